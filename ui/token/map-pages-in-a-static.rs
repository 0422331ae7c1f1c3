//! G7: the token for pages at hand kept in a thread's static.
use core::cell::RefCell;
use vmctx::{MapPagesCtx, Mixed, Platform};

fn keep<P: Platform>(slot: &'static RefCell<Option<MapPagesCtx<'static, P, Mixed>>>, ctx: MapPagesCtx<'_, P, Mixed>) {
    *slot.borrow_mut() = Some(ctx);
}

fn main() {}
