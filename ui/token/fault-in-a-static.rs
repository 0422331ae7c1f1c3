//! G7: a token kept in a thread's static.
use core::cell::RefCell;
use vmctx::{FaultCtx, Mixed, Platform};

fn keep<P: Platform>(slot: &'static RefCell<Option<FaultCtx<'static, P, Mixed>>>, ctx: FaultCtx<'_, P, Mixed>) {
    *slot.borrow_mut() = Some(ctx);
}

fn main() {}
