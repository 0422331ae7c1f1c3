//! G14: the lock of an ioctl, taken by a fault hook, which has no proof.
use vmctx::{Errno, FaultCtx, Normal, Platform, UnlockedCtx, VmFault};

fn fault<'f, P: Platform>(mut ctx: FaultCtx<'f, P, Normal>, page: &P::Page) -> VmFault<'f> {
    let _lock = UnlockedCtx::lock_page(&mut ctx, page);
    ctx.fail(Errno::EFAULT)
}

fn main() {}
