//! G2: fault-around with a protection of its own, without a fault.
use vmctx::{Frame, MmapCtx, PageOffset, PageProt, PfnMap, Platform};

fn fill<'m, P: Platform>(ctx: &mut MmapCtx<'m, P, PfnMap>, at: PageOffset, frame: Frame<'m, P>, prot: PageProt) {
    ctx.prefault_pfn_prot(at, frame, prot);
}

fn main() {}
