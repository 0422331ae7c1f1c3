//! G15: unmapping everywhere takes the right to sleep.
use vmctx::{MapPagesCtx, Mixed, PageCount, PageOffset, Platform, SharedObject, VmFault};

fn map_pages<'f, P: Platform>(ctx: MapPagesCtx<'f, P, Mixed>, mappings: &SharedObject<P>) -> VmFault<'f> {
    mappings.unmap_once(PageOffset::ZERO, PageCount::new(1));
    ctx.finish()
}

fn main() {}
