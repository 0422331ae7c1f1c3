//! G13: a page has a reference; its number alone has none.
use vmctx::{FaultCtx, PfnMap, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, PfnMap>, page: &P::Page) -> VmFault<'f> {
    ctx.insert_pfn(page)
}

fn main() {}
