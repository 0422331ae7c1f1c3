//! G9: a frame by number, with a protection of its own in a fault of a `Mixed` mapping.
use vmctx::{FaultCtx, Frame, Mixed, PageProt, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>, frame: Frame<'f, P>, prot: PageProt) -> VmFault<'f> {
    ctx.insert_pfn_prot(frame, prot)
}

fn main() {}
