//! G11, G26: a neighbour made read-only, until its next store.
use vmctx::{FaultCtx, Frame, PageOffset, PfnMap, Platform};

fn around<'f, P: Platform>(ctx: &mut FaultCtx<'f, P, PfnMap>, at: PageOffset, frame: Frame<'f, P>) {
    let prot = ctx.page_prot().read_only();
    ctx.prefault_pfn_prot(at, frame, prot);
}

fn main() {}
