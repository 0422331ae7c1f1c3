//! G24: a page kept from before it is anybody's.
use vmctx::{FaultCtx, Mixed, PageCache, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>, cache: &PageCache<P>) -> VmFault<'f> {
    let mut kept = None;
    let answer = cache.serve(ctx, |page, _| {
        kept = Some(page);
        Ok(())
    });
    let _ = kept;
    answer
}

fn main() {}
