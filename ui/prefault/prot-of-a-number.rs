//! G8, G9, G11: a protection as C has it: any number.
use vmctx::{FaultCtx, Frame, PageOffset, PfnMap, Platform};

fn around<P: Platform>(ctx: &mut FaultCtx<'_, P, PfnMap>, at: PageOffset, frame: Frame<'_, P>, prot: u64) {
    ctx.prefault_pfn_prot(at, frame, prot);
}

fn main() {}
