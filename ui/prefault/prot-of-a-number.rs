//! G8, G9, G11, G26: a protection as C has it: any number.
use vmctx::{FaultCtx, Frame, PageOffset, PfnMap, Platform};

fn around<'f, P: Platform>(ctx: &mut FaultCtx<'f, P, PfnMap>, at: PageOffset, frame: Frame<'f, P>, prot: u64) {
    ctx.prefault_pfn_prot(at, frame, prot);
}

fn main() {}
