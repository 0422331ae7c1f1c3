//! G8, G9, G26: a protection made up, as `vm_page_prot` can be in C.
use vmctx::{FaultCtx, Frame, PageProt, PfnMap, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, PfnMap>, frame: Frame<'f, P>) -> VmFault<'f> {
    let prot = PageProt { writable: true, ..ctx.page_prot() };
    ctx.insert_pfn_prot(frame, prot)
}

fn main() {}
