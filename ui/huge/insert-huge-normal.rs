//! G9: a large entry in a mapping whose pages are handed back.
use vmctx::{FrameRange, HugeFaultCtx, Normal, Platform, VmFault};

fn huge_fault<'f, P: Platform>(ctx: HugeFaultCtx<'f, P, Normal>, frames: FrameRange<'f, P>) -> VmFault<'f> {
    ctx.insert_huge_with(|_, _| Some(frames))
}

fn main() {}
