//! G17: a page is inserted on the platform it came from.
use vmctx::{FaultCtx, Mixed, Platform, VmFault};

fn fault<'f, P: Platform, Q: Platform>(ctx: FaultCtx<'f, P, Mixed>, page: &Q::Page) -> VmFault<'f> {
    ctx.insert_page(page)
}

fn main() {}
