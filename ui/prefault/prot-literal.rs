//! G8, G9, G11: a protection made up for a neighbour.
use vmctx::{FaultCtx, Frame, PageOffset, PageProt, PfnMap, Platform};

fn around<P: Platform>(ctx: &mut FaultCtx<'_, P, PfnMap>, at: PageOffset, frame: Frame<'_, P>) {
    let prot = PageProt { writable: true, ..ctx.page_prot() };
    ctx.prefault_pfn_prot(at, frame, prot);
}

fn main() {}
