//! G3: an error number is an `Errno`, not an `i32`.
use vmctx::{FaultCtx, Mixed, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
    ctx.fail(-6)
}

fn main() {}
