//! G10: what is wanted is an offset, not an address.
use vmctx::{MapPagesCtx, Mixed, Platform, VmFault};

fn map_pages<'f, P: Platform>(ctx: MapPagesCtx<'f, P, Mixed>) -> VmFault<'f> {
    let _start: usize = ctx.wanted().start;
    ctx.finish()
}

fn main() {}
