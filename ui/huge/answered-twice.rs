//! G5: a large entry tried again after it was answered.
use vmctx::{FrameRange, HugeFaultCtx, PfnMap, Platform, VmFault};

fn huge_fault<'f, P: Platform>(ctx: HugeFaultCtx<'f, P, PfnMap>, frames: FrameRange<'f, P>) -> VmFault<'f> {
    let first = ctx.insert_huge_with(|_, _| Some(frames));
    if first.is_error() { ctx.fallback() } else { first }
}

fn main() {}
