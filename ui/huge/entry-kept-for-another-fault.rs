//! G24: the frames of one fault's entry, kept for the next fault.
use vmctx::{HugeFaultCtx, HugeFrames, PfnMap, Platform, VmFault};

fn huge_fault<'f, P: Platform>(
    ctx: HugeFaultCtx<'f, P, PfnMap>,
    bar: &'f P::Iomem,
    kept: &mut Option<HugeFrames<'static, P>>,
) -> VmFault<'f> {
    ctx.insert_huge_with(|_, entry| {
        *kept = entry.of(bar);
        entry.of(bar)
    })
}

fn main() {}
