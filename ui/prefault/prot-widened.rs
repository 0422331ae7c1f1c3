//! G8, G9, G11, G26: a neighbour gets the rights that mmap gave.
use vmctx::{FaultCtx, Frame, PageOffset, PfnMap, Platform};

fn around<'f, P: Platform>(ctx: &mut FaultCtx<'f, P, PfnMap>, at: PageOffset, frame: Frame<'f, P>) {
    let prot = ctx.page_prot().writable();
    ctx.prefault_pfn_prot(at, frame, prot);
}

fn main() {}
