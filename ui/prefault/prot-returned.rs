//! G11: a neighbour filled with a protection of its own is not the fault's answer.
use vmctx::{FaultCtx, Frame, PageOffset, PfnMap, Platform, VmFault};

fn fault<'f, P: Platform>(mut ctx: FaultCtx<'f, P, PfnMap>, next: PageOffset, frame: Frame<'f, P>) -> VmFault<'f> {
    let prot = ctx.page_prot().noncached();
    ctx.prefault_pfn_prot(next, frame, prot)
}

fn main() {}
