//! G13: a number where a frame belongs.
use vmctx::{FaultCtx, PfnMap, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, PfnMap>, base: u64) -> VmFault<'f> {
    let at = ctx.pgoff().index() as u64;
    ctx.insert_pfn(base + at)
}

fn main() {}
