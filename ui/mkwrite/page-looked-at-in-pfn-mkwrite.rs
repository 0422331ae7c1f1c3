//! G8: `pfn_mkwrite` has no page to look at.
use vmctx::{PfnMap, PfnMkwriteCtx, Platform, VmFault};

fn pfn_mkwrite<'f, P: Platform>(ctx: PfnMkwriteCtx<'f, P, PfnMap>) -> VmFault<'f> {
    let _page: P::Page = ctx.page();
    ctx.allow()
}

fn main() {}
