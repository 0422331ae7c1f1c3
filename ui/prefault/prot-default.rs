//! G8, G9, G11, G26: a protection for a neighbour, out of nothing.
use vmctx::{FaultCtx, Frame, PageOffset, PfnMap, Platform};

fn around<'f, P: Platform>(ctx: &mut FaultCtx<'f, P, PfnMap>, at: PageOffset, frame: Frame<'f, P>) {
    ctx.prefault_pfn_prot(at, frame, Default::default());
}

fn main() {}
