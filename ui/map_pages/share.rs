//! G15: shared ownership is allocated.
use vmctx::{MapPagesCtx, Mixed, Platform, VmFault};

fn map_pages<'f, P: Platform>(ctx: MapPagesCtx<'f, P, Mixed>) -> VmFault<'f> {
    let _shared = P::share(1_u32, ctx.may_sleep());
    ctx.finish()
}

fn main() {}
