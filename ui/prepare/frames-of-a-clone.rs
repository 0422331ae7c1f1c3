//! G25, G21: nor from a clone, which goes when the hook returns.
use vmctx::{Errno, FrameSource, PageOffset, Platform, PrepareCtx, Prepared, Remapped};

struct Registers<P: Platform>(P::Iomem);

impl<P: Platform> Registers<P> {
    fn mmap_prepare<'m>(&'m self, ctx: PrepareCtx<'m, P>) -> Result<Prepared<'m, P, Remapped>, Errno> {
        let memory = self.0.clone();
        let frames = memory.range(PageOffset::ZERO, ctx.page_count()).ok_or(Errno::ENXIO)?;
        ctx.remap_at_pgoff(frames)
    }
}

fn main() {}
