//! G25: a prepare hook has no neighbours to fill.
use vmctx::{Errno, Mixed, PageOffset, Platform, Prefault, PrepareCtx, Prepared};

fn mmap_prepare<'m, P: Platform>(mut ctx: PrepareCtx<'m, P>, page: &P::Page) -> Result<Prepared<'m, P, Mixed>, Errno> {
    let _: Prefault = ctx.prefault_page(PageOffset::ZERO, page);
    ctx.by_faults()
}

fn main() {}
