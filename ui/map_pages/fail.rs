//! G1, G15: `map_pages` has no error to answer.
use vmctx::{Errno, MapPagesCtx, Mixed, Platform, VmFault};

fn map_pages<'f, P: Platform>(ctx: MapPagesCtx<'f, P, Mixed>) -> VmFault<'f> {
    ctx.fail(Errno::ENOMEM)
}

fn main() {}
