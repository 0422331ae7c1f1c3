//! G8, G9, G11, G26: a protection made up for a neighbour.
use vmctx::{FaultCtx, Frame, PageOffset, PageProt, PfnMap, Platform};

fn around<'f, P: Platform>(ctx: &mut FaultCtx<'f, P, PfnMap>, at: PageOffset, frame: Frame<'f, P>) {
    let prot = PageProt { writable: true, ..ctx.page_prot() };
    ctx.prefault_pfn_prot(at, frame, prot);
}

fn main() {}
