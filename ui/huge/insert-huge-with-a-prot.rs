//! G26: a large entry inserted with a protection of its own.
use vmctx::{FrameRange, HugeFaultCtx, PageProt, PfnMap, Platform, VmFault};

fn huge_fault<'f, P: Platform>(
    ctx: HugeFaultCtx<'f, P, PfnMap>,
    frames: FrameRange<'f, P>,
    prot: PageProt,
) -> VmFault<'f> {
    ctx.insert_huge_with(|_, _| Some(frames), prot)
}

fn main() {}
