//! G15: the fault hook is not called by hand with the wrong token.
use vmctx::{Errno, FaultCtx, MapPagesCtx, Mixed, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
    ctx.fail(Errno::EIO)
}

fn map_pages<'f, P: Platform>(ctx: MapPagesCtx<'f, P, Mixed>) -> VmFault<'f> {
    fault(ctx)
}

fn main() {}
