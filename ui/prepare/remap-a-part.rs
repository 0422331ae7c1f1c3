//! G25: an action is for the whole range: no part of it is remapped.
use vmctx::{Errno, FrameSource, PageCount, PageOffset, PfnMap, Platform, PrepareCtx, Prepared};

fn mmap_prepare<'m, P: Platform>(
    ctx: PrepareCtx<'m, P>,
    memory: &'m P::Iomem,
) -> Result<Prepared<'m, P, PfnMap>, Errno> {
    let frames = memory.range(PageOffset::ZERO, PageCount::new(1)).ok_or(Errno::ENXIO)?;
    ctx.shared_only()?.remap(frames)
}

fn main() {}
