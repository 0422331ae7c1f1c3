//! G15: unmapping everywhere sleeps.
use vmctx::{MapPagesCtx, Mappings, Mixed, PageCount, PageOffset, Platform, VmFault};

fn map_pages<'f, P: Platform>(ctx: MapPagesCtx<'f, P, Mixed>, mappings: &Mappings<P>) -> VmFault<'f> {
    mappings.unmap(PageOffset::ZERO, PageCount::new(1), ctx.may_sleep());
    ctx.finish()
}

fn main() {}
