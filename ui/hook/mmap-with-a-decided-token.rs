//! G9: the kind is chosen by the mmap hook, not before it.
use core::marker::PhantomData;
use vmctx::{Errno, Mapped, Mixed, MmapCtx, MmapFile, Platform};

struct Device<P>(PhantomData<fn(P) -> P>);

impl<P: Platform> MmapFile for Device<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P, Mixed>) -> Result<Mapped<'m>, Errno> {
        ctx.finish()
    }
}

fn main() {}
