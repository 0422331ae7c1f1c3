//! G21: frames of an object in the file's table, behind a lock.
use vmctx::{Errno, FrameSource, Mapped, MmapCtx, MmapFile, PageOffset, PfnMap, Platform, RwLock};

struct Device<P: Platform>(P::RwLock<P::Iomem>);

impl<P: Platform> MmapFile for Device<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        let bar = self.0.read(ctx.may_sleep());
        let all = bar.range(PageOffset::ZERO, bar.count()).ok_or(Errno::ENXIO)?;
        ctx.without_faults::<PfnMap>()?.remap(all)?.finish()
    }
}

fn main() {}
