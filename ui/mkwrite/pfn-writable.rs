//! G8, G19: the grant that users may write, when they are about to write a frame.
use vmctx::{PfnMap, PfnMkwriteCtx, Platform, VmFault};

fn pfn_mkwrite<'f, P: Platform>(ctx: PfnMkwriteCtx<'f, P, PfnMap>) -> VmFault<'f> {
    ctx.writable().allow()
}

fn main() {}
