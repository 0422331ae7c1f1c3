//! G14, G15: a mapping is locked outside hooks, and by who may sleep.
use vmctx::{Handle, MapPagesCtx, Mixed, Platform, VmFault};

fn map_pages<'f, P: Platform>(mut ctx: MapPagesCtx<'f, P, Mixed>, handle: &Handle<P, Mixed>) -> VmFault<'f> {
    let _mapped = handle.lock(&mut ctx);
    ctx.finish()
}

fn main() {}
