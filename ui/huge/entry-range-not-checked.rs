//! G10: an entry that may not be all inside the mapping.
use vmctx::{HugeFaultCtx, PfnMap, Platform, VmFault};

fn huge_fault<'f, P: Platform>(ctx: HugeFaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
    let range = ctx.entry_range();
    let _first = range.start;
    ctx.fallback()
}

fn main() {}
