//! G1, G8: `pfn_mkwrite` inserts nothing, writable or not: it answers whether the store may happen.
use vmctx::{Frame, PfnMap, PfnMkwriteCtx, Platform, VmFault};

fn pfn_mkwrite<'f, P: Platform>(ctx: PfnMkwriteCtx<'f, P, PfnMap>, frame: Frame<'f, P>) -> VmFault<'f> {
    ctx.insert_pfn_mkwrite(frame)
}

fn main() {}
