//! G9: a frame by number, with a protection of its own, beside the fault in a fault of a `Mixed` mapping.
use vmctx::{FaultCtx, Frame, Mixed, PageOffset, PageProt, Platform};

fn around<'f, P: Platform>(ctx: &mut FaultCtx<'f, P, Mixed>, at: PageOffset, frame: Frame<'f, P>, prot: PageProt) {
    ctx.prefault_pfn_prot(at, frame, prot);
}

fn main() {}
