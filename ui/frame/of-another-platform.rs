//! G13, G17: a frame is inserted on the platform that vouches for it.
use vmctx::{FaultCtx, Frame, PfnMap, Platform, VmFault};

fn fault<'f, P: Platform, Q: Platform>(ctx: FaultCtx<'f, P, PfnMap>, frame: Frame<'f, Q>) -> VmFault<'f> {
    ctx.insert_pfn(frame)
}

fn main() {}
