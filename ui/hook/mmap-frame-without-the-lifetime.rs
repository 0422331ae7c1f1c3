//! G21: `&self` says nothing of how long the file is there: write `&'m self` out.
use vmctx::{Errno, FrameSource, Mapped, MmapCtx, MmapFile, PageOffset, Platform, Remapped};

struct Bar<P: Platform>(P::Iomem);

impl<P: Platform> MmapFile for Bar<P> {
    type Platform = P;

    fn mmap<'m>(&self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        let all = self.0.range(PageOffset::ZERO, self.0.count()).ok_or(Errno::ENXIO)?;
        ctx.without_faults::<Remapped>()?.remap_at_pgoff(all)
    }
}

fn main() {}
