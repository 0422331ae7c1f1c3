//! G8, G9: a protection can be narrowed, not widened past what mmap gave.
use vmctx::{FaultCtx, Frame, PfnMap, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, PfnMap>, frame: Frame<'_, P>) -> VmFault<'f> {
    let prot = ctx.page_prot().writable();
    ctx.insert_pfn_prot(frame, prot)
}

fn main() {}
