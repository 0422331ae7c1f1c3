//! G15: what inserts many pages at once allocates page tables, and may sleep.
use vmctx::{MapPagesCtx, Mixed, PageOffset, Platform, VmFault};

fn map_pages<'f, P: Platform>(mut ctx: MapPagesCtx<'f, P, Mixed>, at: PageOffset, pages: &[P::Page]) -> VmFault<'f> {
    let _a_favour = ctx.prefault_pages(at, pages);
    ctx.finish()
}

fn main() {}
