//! G8, G11: a large fault fills no single neighbours, with whatever protection.
use vmctx::{Frame, HugeFaultCtx, PageOffset, PageProt, PfnMap, Platform, VmFault};

fn huge_fault<'f, P: Platform>(
    mut ctx: HugeFaultCtx<'f, P, PfnMap>,
    at: PageOffset,
    frame: Frame<'f, P>,
    prot: PageProt,
) -> VmFault<'f> {
    let _a_favour = ctx.prefault_pfn_prot(at, frame, prot);
    ctx.fallback()
}

fn main() {}
