//! G8, G15, G19: the grant that users may write, while loads are served.
use vmctx::{MapPagesCtx, Mixed, Platform, VmFault};

fn map_pages<'f, P: Platform>(ctx: MapPagesCtx<'f, P, Mixed>) -> VmFault<'f> {
    ctx.writable().finish()
}

fn main() {}
