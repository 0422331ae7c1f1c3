//! G8, G9, G26: a protection can be cached in another way, not widened past what mmap gave.
use vmctx::{FaultCtx, Frame, PfnMap, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, PfnMap>, frame: Frame<'f, P>) -> VmFault<'f> {
    let prot = ctx.page_prot().writable();
    ctx.insert_pfn_prot(frame, prot)
}

fn main() {}
