//! G2: fault-around without a fault.
use vmctx::{Frame, MmapCtx, PageOffset, PfnMap, Platform};

fn fill<'m, P: Platform>(ctx: &mut MmapCtx<'m, P, PfnMap>, at: PageOffset, frame: Frame<'m, P>) {
    ctx.prefault_pfn(at, frame);
}

fn main() {}
