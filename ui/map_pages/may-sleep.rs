//! G15: `map_pages` has no right to sleep to give.
use vmctx::{MapPagesCtx, Mixed, Platform, VmFault};

fn map_pages<'f, P: Platform>(ctx: MapPagesCtx<'f, P, Mixed>, memory: &P::Memory) -> VmFault<'f> {
    let _page = P::alloc_page(memory, ctx.may_sleep());
    ctx.finish()
}

fn main() {}
