//! G1, G8: the frame is there already: `pfn_mkwrite` inserts nothing.
use vmctx::{Frame, PfnMap, PfnMkwriteCtx, Platform, VmFault};

fn pfn_mkwrite<'f, P: Platform>(ctx: PfnMkwriteCtx<'f, P, PfnMap>, frame: Frame<'f, P>) -> VmFault<'f> {
    ctx.insert_pfn(frame)
}

fn main() {}
