//! G21: a frame that a mmap hook inserts is borrowed from the file, and not from the guard of a lock.

use vmctx::{Errno, FrameSource, Mixed, MmapCtx, Platform, RwLock};

fn fill<'m, P: Platform>(
    ctx: MmapCtx<'m, P, Mixed>,
    bar: &'m P::RwLock<P::Iomem>,
) -> Result<MmapCtx<'m, P, Mixed>, Errno> {
    let bar = bar.read(ctx.may_sleep());
    let frame = bar.frame(ctx.pgoff()).ok_or(Errno::ENXIO)?;
    ctx.insert_mixed(frame)
}

fn main() {}
