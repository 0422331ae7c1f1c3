//! G24: a page that is filled by nobody: say what belongs there, or that zeros do, `|_, _| Ok(())`.
use vmctx::{FaultCtx, Mixed, PageCache, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>, cache: &PageCache<P>) -> VmFault<'f> {
    cache.serve(ctx)
}

fn main() {}
