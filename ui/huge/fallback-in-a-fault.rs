//! G8: the fault hook is the last that is asked: it cannot fall back.
use vmctx::{FaultCtx, PfnMap, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
    ctx.fallback()
}

fn main() {}
