//! G21: frames of a file that is looked up, and that the mapping does not keep open.
use vmctx::{Errno, FrameSource, Mapped, MmapCtx, MmapFile, PageOffset, Platform, Remapped, RwLock};

struct Device<P: Platform>(P::RwLock<Vec<P::Ref<P::Iomem>>>);

impl<P: Platform> MmapFile for Device<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        let bar = self.0.read(ctx.may_sleep()).first().cloned().ok_or(Errno::ENXIO)?;
        let all = bar.range(PageOffset::ZERO, bar.count()).ok_or(Errno::ENXIO)?;
        ctx.without_faults::<Remapped>()?.remap_from_first(all)
    }
}

fn main() {}
