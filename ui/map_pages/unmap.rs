//! G15: unmapping everywhere sleeps.
use vmctx::{MapPagesCtx, Mixed, PageCount, PageOffset, Platform, SharedObject, VmFault};

fn map_pages<'f, P: Platform>(ctx: MapPagesCtx<'f, P, Mixed>, mappings: &SharedObject<P>) -> VmFault<'f> {
    mappings.unmap_once(PageOffset::ZERO, PageCount::new(1), ctx.may_sleep());
    ctx.finish()
}

fn main() {}
