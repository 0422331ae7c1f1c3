//! G12, G15: there is no lock to give up, only RCU.
use vmctx::{MapPagesCtx, Mixed, Platform, VmFault};

fn map_pages<'f, P: Platform>(ctx: MapPagesCtx<'f, P, Mixed>) -> VmFault<'f> {
    ctx.release()
}

fn main() {}
