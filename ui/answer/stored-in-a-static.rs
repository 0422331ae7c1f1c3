//! G4: an answer kept in a static.
use vmctx::{FaultCtx, Mixed, Platform, VmFault};

struct Cell<T>(core::cell::RefCell<T>);

impl<T> Cell<T> {
    fn set(&'static self, value: T) {
        *self.0.borrow_mut() = value;
    }
}

fn remember<P: Platform>(last: &'static Cell<Option<VmFault<'static>>>, ctx: FaultCtx<'_, P, Mixed>, page: &P::Page) {
    last.set(Some(ctx.insert_page(page)));
}

fn main() {}
