//! G8, G11: a large fault fills no single neighbours.
use vmctx::{Frame, HugeFaultCtx, PageOffset, PfnMap, Platform, VmFault};

fn huge_fault<'f, P: Platform>(
    mut ctx: HugeFaultCtx<'f, P, PfnMap>,
    at: PageOffset,
    frame: Frame<'f, P>,
) -> VmFault<'f> {
    let _a_favour = ctx.prefault_pfn(at, frame);
    ctx.fallback()
}

fn main() {}
