//! G7: the token for a large entry kept in a thread's static.
use core::cell::RefCell;
use vmctx::{HugeFaultCtx, Mixed, Platform};

fn keep<P: Platform>(slot: &'static RefCell<Option<HugeFaultCtx<'static, P, Mixed>>>, ctx: HugeFaultCtx<'_, P, Mixed>) {
    *slot.borrow_mut() = Some(ctx);
}

fn main() {}
