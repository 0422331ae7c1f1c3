//! G8, G11: one page looked up and answered for, where many are mapped.
use vmctx::{Errno, MapPagesCtx, Mixed, Platform, VmFault};

fn map_pages<'f, P: Platform>(ctx: MapPagesCtx<'f, P, Mixed>, pages: &[P::Page]) -> VmFault<'f> {
    ctx.insert_page_with(|at| at.pgoff().of(pages).ok_or(Errno::ENXIO))
}

fn main() {}
