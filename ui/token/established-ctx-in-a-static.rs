//! G7: a locked mapping, kept in a thread's static.
use core::cell::RefCell;
use vmctx::{EstablishedCtx, Mixed, Platform};

fn keep<P: Platform>(
    slot: &'static RefCell<Option<EstablishedCtx<'static, P, Mixed>>>,
    ctx: EstablishedCtx<'_, P, Mixed>,
) {
    *slot.borrow_mut() = Some(ctx);
}

fn main() {}
