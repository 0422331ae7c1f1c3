//! G12: RETRY tells the core that the lock was given up, so it takes really giving it up.
use vmctx::{FaultCtx, Mixed, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
    ctx.retry()
}

fn main() {}
