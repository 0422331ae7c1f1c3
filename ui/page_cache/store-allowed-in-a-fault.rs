//! G7, G24: a store is allowed by the hook that is told of it; the fault brings the page.
use vmctx::{FaultCtx, Mixed, PageCache, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>, cache: &PageCache<P>) -> VmFault<'f> {
    cache.allow_store(ctx)
}

fn main() {}
