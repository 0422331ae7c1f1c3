//! G9: a fault of a frame mapping served by a helper for page mappings.
use vmctx::{FaultCtx, Mixed, PfnMap, Platform, VmFault};

fn serve_pages<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>, page: &P::Page) -> VmFault<'f> {
    ctx.insert_page(page)
}

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, PfnMap>, page: &P::Page) -> VmFault<'f> {
    serve_pages(ctx, page)
}

fn main() {}
