//! G21, G22, G24: a frame of a piece that can be given up is inserted by the guard.
use vmctx::{Errno, FaultCtx, IomemPart, Made, OnDemand, PageOffset, PfnMap, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, PfnMap>, blocks: &'f OnDemand<P, IomemPart<P>>) -> VmFault<'f> {
    let resident = blocks.resident(ctx.may_sleep());
    let frame = resident.get(0).and_then(Made::get).and_then(|block| block.frame(PageOffset::ZERO));
    match frame {
        Some(frame) => ctx.insert_pfn(frame),
        None => ctx.fail(Errno::ENXIO),
    }
}

fn main() {}
