//! G8: a page handed back, looked up, at mmap.
use vmctx::{Errno, Mixed, MmapCtx, Platform};

fn fill<'m, P: Platform>(ctx: MmapCtx<'m, P, Mixed>, pages: &[P::Page]) -> Result<MmapCtx<'m, P, Mixed>, Errno> {
    ctx.deliver_with(|at| at.pgoff().of(pages).cloned().ok_or(Errno::ENXIO))
}

fn main() {}
