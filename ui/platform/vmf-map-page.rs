//! G9: the platform's own insertion under RCU takes what a token keeps to itself.
use vmctx::{MapPagesCtx, Normal, Platform, VmFault};

fn map_pages<'f, P: Platform>(ctx: MapPagesCtx<'f, P, Normal>, page: &P::Page) -> VmFault<'f> {
    let _code = P::vmf_map_page(&ctx, 0x1000, page);
    ctx.finish()
}

fn main() {}
