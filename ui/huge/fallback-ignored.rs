//! G5: falling back is an answer, and another cannot follow.
use vmctx::{FrameRange, HugeFaultCtx, PfnMap, Platform, VmFault};

fn huge_fault<'f, P: Platform>(ctx: HugeFaultCtx<'f, P, PfnMap>, frames: FrameRange<'f, P>) -> VmFault<'f> {
    let _fallen_back = ctx.fallback();
    ctx.insert_huge_with(|_, _| Some(frames))
}

fn main() {}
