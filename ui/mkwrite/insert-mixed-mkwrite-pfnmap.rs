//! G9: making a frame with a page behind it writable, in a mapping that has none.
use vmctx::{Frame, PfnMap, PfnMkwriteCtx, Platform, VmFault};

fn pfn_mkwrite<'f, P: Platform>(ctx: PfnMkwriteCtx<'f, P, PfnMap>, frame: Frame<'f, P>) -> VmFault<'f> {
    ctx.insert_mixed_mkwrite(frame)
}

fn main() {}
