//! G6: an insertion with a lookup that failed, ignored.
use vmctx::{Errno, Mapped, Mixed, MmapCtx, Platform};

fn fill<'m, P: Platform>(ctx: MmapCtx<'m, P, Mixed>, pages: &[P::Page]) -> Result<Mapped<'m>, Errno> {
    let _ = ctx.insert_page_with(|at| at.pgoff().of(pages).ok_or(Errno::ENXIO));
    ctx.finish()
}

fn main() {}
