//! G1, G11: no page is handed back under RCU.
use vmctx::{MapPagesCtx, Mixed, Platform, VmFault};

fn map_pages<'f, P: Platform>(ctx: MapPagesCtx<'f, P, Mixed>, page: P::Page) -> VmFault<'f> {
    ctx.deliver(page)
}

fn main() {}
