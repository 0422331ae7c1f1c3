//! G8, G9, G11: a protection for a neighbour, out of nothing.
use vmctx::{FaultCtx, Frame, PageOffset, PfnMap, Platform};

fn around<P: Platform>(ctx: &mut FaultCtx<'_, P, PfnMap>, at: PageOffset, frame: Frame<'_, P>) {
    ctx.prefault_pfn_prot(at, frame, Default::default());
}

fn main() {}
