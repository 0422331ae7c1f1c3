//! G15: a fault's right to sleep, kept for `map_pages`.
use core::cell::RefCell;
use vmctx::{Errno, FaultCtx, MaySleep, Mixed, Platform, VmFault};

fn fault<'f, P: Platform>(
    ctx: FaultCtx<'f, P, Mixed>,
    kept: &'static RefCell<Option<MaySleep<'static>>>,
) -> VmFault<'f> {
    *kept.borrow_mut() = Some(ctx.may_sleep());
    ctx.fail(Errno::EIO)
}

fn main() {}
