//! G8, G12: `pfn_mkwrite` has no page to lock.
use vmctx::{LockedPage, Mixed, PfnMkwriteCtx, Platform, VmFault};

fn pfn_mkwrite<'f, P: Platform>(ctx: PfnMkwriteCtx<'f, P, Mixed>) -> VmFault<'f> {
    let _page: LockedPage<'f, P> = ctx.lock_page();
    ctx.allow()
}

fn main() {}
