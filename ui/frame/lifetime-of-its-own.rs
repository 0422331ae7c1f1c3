//! G21: a frame with a lifetime of its own, which may end before the mapping does.
use vmctx::{FaultCtx, Frame, PfnMap, Platform, VmFault};

fn serve<'f, 's, P: Platform>(ctx: FaultCtx<'f, P, PfnMap>, frame: Frame<'s, P>) -> VmFault<'f> {
    ctx.insert_pfn(frame)
}

fn main() {}
