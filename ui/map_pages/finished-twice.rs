//! G5: `map_pages` answers once.
use vmctx::{MapPagesCtx, Mixed, Platform, VmFault};

fn map_pages<'f, P: Platform>(ctx: MapPagesCtx<'f, P, Mixed>) -> VmFault<'f> {
    let _first = ctx.finish();
    ctx.finish()
}

fn main() {}
