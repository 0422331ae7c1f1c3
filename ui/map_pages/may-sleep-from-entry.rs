//! G15, G18: the right to sleep is the platform's to give, and that is `unsafe`.
#![forbid(unsafe_code)]
use vmctx::{MapPagesCtx, Mixed, Platform, VmFault, entry};

fn map_pages<'f, P: Platform>(ctx: MapPagesCtx<'f, P, Mixed>, memory: &P::Memory) -> VmFault<'f> {
    let _page = P::alloc_page(memory, entry::may_sleep());
    ctx.finish()
}

fn main() {}
