//! G7: a locked mapping, kept in a thread's static.
use core::cell::RefCell;
use vmctx::{MappedCtx, Mixed, Platform};

fn keep<P: Platform>(slot: &'static RefCell<Option<MappedCtx<'static, P, Mixed>>>, ctx: MappedCtx<'_, P, Mixed>) {
    *slot.borrow_mut() = Some(ctx);
}

fn main() {}
