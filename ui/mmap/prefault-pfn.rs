//! G2: fault-around without a fault.
use vmctx::{Frame, MmapCtx, PageOffset, PfnMap, Platform};

fn fill<P: Platform>(ctx: &mut MmapCtx<'_, P, PfnMap>, at: PageOffset, frame: Frame<'_, P>) {
    ctx.prefault_pfn(at, frame);
}

fn main() {}
