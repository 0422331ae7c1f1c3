//! G15, G24: a page that is not there has to be waited for, which `map_pages` must not.
use vmctx::{MapPagesCtx, Mixed, PageCache, Platform, VmFault};

fn map_pages<'f, P: Platform>(ctx: MapPagesCtx<'f, P, Mixed>, cache: &PageCache<P>) -> VmFault<'f> {
    cache.serve(ctx, |_, _| Ok(()))
}

fn main() {}
