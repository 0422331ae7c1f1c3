//! G7: the token for a first store kept in a thread's static.
use core::cell::RefCell;
use vmctx::{Mixed, PageMkwriteCtx, Platform};

fn keep<P: Platform>(
    slot: &'static RefCell<Option<PageMkwriteCtx<'static, P, Mixed>>>,
    ctx: PageMkwriteCtx<'_, P, Mixed>,
) {
    *slot.borrow_mut() = Some(ctx);
}

fn main() {}
