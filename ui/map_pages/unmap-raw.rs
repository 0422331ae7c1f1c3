//! G15: the platform's own unmapping takes the right to sleep, too.
use vmctx::{MapPagesCtx, Mixed, PageCount, PageOffset, Platform, VmFault};

fn map_pages<'f, P: Platform>(ctx: MapPagesCtx<'f, P, Mixed>, mappings: &P::Object) -> VmFault<'f> {
    P::unmap_mapping_range(mappings, PageOffset::ZERO, PageCount::new(1));
    ctx.finish()
}

fn main() {}
