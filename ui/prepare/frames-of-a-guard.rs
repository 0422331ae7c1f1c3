//! G25, G21: frames are borrowed from the file, and not from a lock's guard.
use vmctx::{
    Errno, FrameSource, MaySleep, PageOffset, PageRange, Platform, PrepareCtx, PrepareFile, Prepared, Remapped, RwLock,
    WithoutFaults,
};

struct Registers<P: Platform>(P::RwLock<P::Iomem>);

impl<P: Platform> PrepareFile for Registers<P> {
    type Platform = P;
    type Ops = WithoutFaults<P, Remapped>;

    fn mmap_prepare<'m>(&'m self, ctx: PrepareCtx<'m, P>) -> Result<Prepared<'m, P, Remapped>, Errno> {
        let memory = self.0.read(ctx.may_sleep());
        let frames = memory.range(PageOffset::ZERO, ctx.page_count()).ok_or(Errno::ENXIO)?;
        ctx.remap_from_first(frames)
    }

    fn mapped(&self, _: PageRange, may_sleep: MaySleep<'_>) -> Result<P::Ref<Self::Ops>, Errno> {
        P::share(WithoutFaults::new(), may_sleep)
    }
}

fn main() {}
