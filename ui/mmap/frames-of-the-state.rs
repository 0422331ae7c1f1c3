//! G21: frames of the state that is about to be established, at mmap, where they are the file's.
use vmctx::{Errno, FrameSource, Mapped, MmapCtx, MmapFile, PfnMap, Platform, VmOperations};

struct Bar<P: Platform>(P::Iomem);

impl<P: Platform> VmOperations for Bar<P> {
    type Platform = P;
    type Kind = PfnMap;
}

struct Device<P: Platform>(P::Iomem);

impl<P: Platform> MmapFile for Device<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        let state = P::share(Bar::<P>(self.0.clone()), ctx.may_sleep())?;
        let ctx = ctx.shared_only()?.establish_shared::<Bar<P>>(state.clone())?;
        ctx.insert_pfn_with(|at| state.0.frame(at.pgoff()).ok_or(Errno::ENXIO))?.finish()
    }
}

fn main() {}
