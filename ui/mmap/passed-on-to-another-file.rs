//! G21: a mmap passed on to a file that the mapping does not keep open.
use vmctx::{Errno, Mapped, MmapCtx, MmapFile, Platform, RwLock};

struct Dispatch<P: Platform, F: MmapFile<Platform = P>>(P::RwLock<Vec<P::Ref<F>>>);

impl<P: Platform, F: MmapFile<Platform = P>> MmapFile for Dispatch<P, F> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        let file = self.0.read(ctx.may_sleep()).first().cloned().ok_or(Errno::ENXIO)?;
        file.mmap(ctx)
    }
}

fn main() {}
