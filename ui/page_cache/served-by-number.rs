//! G9, G24: the pages of a cache are counted, and go into a `Mixed` mapping.
use vmctx::{FaultCtx, PageCache, PfnMap, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, PfnMap>, cache: &PageCache<P>) -> VmFault<'f> {
    cache.serve(ctx, |_, _| Ok(()))
}

fn main() {}
