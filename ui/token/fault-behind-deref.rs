//! G5: a wrapper that dereferences to the token lends it out, and a lent token answers nothing.
use core::ops::Deref;
use vmctx::{FaultCtx, Mixed, Platform};

struct Wrapper<'f, P: Platform>(FaultCtx<'f, P, Mixed>);

impl<'f, P: Platform> Deref for Wrapper<'f, P> {
    type Target = FaultCtx<'f, P, Mixed>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

fn serve<P: Platform>(wrapper: Wrapper<'_, P>, page: &P::Page) {
    let _ = wrapper.insert_page(page);
}

fn main() {}
