//! G10, G13: where the page is in the object is not where it is in memory.
use vmctx::{FaultCtx, PfnMap, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
    let at = ctx.pgoff();
    ctx.insert_pfn(at)
}

fn main() {}
