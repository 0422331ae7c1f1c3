//! G25: a prepare hook inserts no frame.
use vmctx::{Errno, FrameSource, PageOffset, PfnMap, Platform, PrepareCtx, Prepared};

fn mmap_prepare<'m, P: Platform>(
    ctx: PrepareCtx<'m, P>,
    memory: &'m P::Iomem,
) -> Result<Prepared<'m, P, PfnMap>, Errno> {
    let frame = memory.frame(PageOffset::ZERO).ok_or(Errno::ENXIO)?;
    ctx.insert_pfn(frame)
}

fn main() {}
