//! G21: a frame that may have a page behind it, of an object in the file's table.
use vmctx::{Errno, FrameSource, Mixed, MmapCtx, Platform, RwLock};

fn fill<'m, P: Platform>(
    ctx: MmapCtx<'m, P, Mixed>,
    bar: &'m P::RwLock<P::Iomem>,
) -> Result<MmapCtx<'m, P, Mixed>, Errno> {
    ctx.insert_mixed_with(|at| bar.read(at.may_sleep()).frame(at.pgoff()).ok_or(Errno::ENXIO))
}

fn main() {}
