//! G25, G7: one hook's token is not another's: a prepare hook is not called from a mmap hook.
use vmctx::{Errno, Mapped, MmapCtx, MmapFile, Platform, PrepareFile};

struct Around<F>(F);

impl<P: Platform, F: PrepareFile<Platform = P>> MmapFile for Around<F> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        self.0.mmap_prepare(ctx)?;
        Err(Errno::EAGAIN)
    }
}

fn main() {}
