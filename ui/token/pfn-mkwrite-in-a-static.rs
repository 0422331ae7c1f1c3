//! G7: the token for a first store to a frame kept in a thread's static.
use core::cell::RefCell;
use vmctx::{Mixed, PfnMkwriteCtx, Platform};

fn keep<P: Platform>(
    slot: &'static RefCell<Option<PfnMkwriteCtx<'static, P, Mixed>>>,
    ctx: PfnMkwriteCtx<'_, P, Mixed>,
) {
    *slot.borrow_mut() = Some(ctx);
}

fn main() {}
