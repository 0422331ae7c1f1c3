//! G15: allocating sleeps, and takes the right to.
use vmctx::{MapPagesCtx, Mixed, Platform, VmFault};

fn map_pages<'f, P: Platform>(ctx: MapPagesCtx<'f, P, Mixed>, memory: &P::Memory) -> VmFault<'f> {
    let _page = P::alloc_page(memory);
    ctx.finish()
}

fn main() {}
