//! G7: the proof that no hook is running, kept in a thread's static.
use core::cell::RefCell;
use vmctx::{Platform, UnlockedCtx};

fn keep<P: Platform>(slot: &'static RefCell<Option<UnlockedCtx<'static, P>>>, ctx: UnlockedCtx<'_, P>) {
    *slot.borrow_mut() = Some(ctx);
}

fn main() {}
