//! G27: a page of which only a part belongs to it has no frame, and nobody looks.
use vmctx::{FaultCtx, IomemPart, PfnMap, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, PfnMap>, registers: &'f IomemPart<P>) -> VmFault<'f> {
    let frame = registers.frame(ctx.pgoff());
    ctx.insert_pfn(frame)
}

fn main() {}
