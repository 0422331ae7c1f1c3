//! G10: the answering insertion has no offset either.
use vmctx::{FaultCtx, Frame, PageOffset, PfnMap, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, PfnMap>, frame: Frame<'f, P>, at: PageOffset) -> VmFault<'f> {
    ctx.insert_pfn(at, frame)
}

fn main() {}
