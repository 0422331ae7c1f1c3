//! G12: giving up the lock may fail, and what then holds has to be looked at.
use vmctx::{FaultCtx, Mixed, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
    ctx.release().retry()
}

fn main() {}
