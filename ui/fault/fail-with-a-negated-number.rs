//! G3: a number that a function of the kernel has returned, negated.
use vmctx::{FaultCtx, Mixed, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>, result: i32) -> VmFault<'f> {
    ctx.fail_or_refault(-result)
}

fn main() {}
