//! G3: a fault fails with an errno, not with a `Result` in which there may be none.
use vmctx::{Errno, FaultCtx, Mixed, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>, result: Result<(), Errno>) -> VmFault<'f> {
    ctx.fail(result)
}

fn main() {}
