//! G9: a frame by number, with a protection of its own, beside the fault in a fault of a `Normal` mapping.
use vmctx::{FaultCtx, Frame, Normal, PageOffset, PageProt, Platform};

fn around<'f, P: Platform>(ctx: &mut FaultCtx<'f, P, Normal>, at: PageOffset, frame: Frame<'f, P>, prot: PageProt) {
    ctx.prefault_pfn_prot(at, frame, prot);
}

fn main() {}
