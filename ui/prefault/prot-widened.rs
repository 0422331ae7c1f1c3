//! G8, G9, G11: a neighbour gets what mmap gave, or less.
use vmctx::{FaultCtx, Frame, PageOffset, PfnMap, Platform};

fn around<P: Platform>(ctx: &mut FaultCtx<'_, P, PfnMap>, at: PageOffset, frame: Frame<'_, P>) {
    let prot = ctx.page_prot().writable();
    ctx.prefault_pfn_prot(at, frame, prot);
}

fn main() {}
