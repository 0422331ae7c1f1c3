//! G6: `'_` takes the success's lifetime from `&self`, not from the mmap: write `<'m>` out.
use core::marker::PhantomData;
use vmctx::{Errno, Mapped, Mixed, MmapCtx, MmapFile, Platform};

struct Device<P>(PhantomData<fn(P) -> P>);

impl<P: Platform> MmapFile for Device<P> {
    type Platform = P;

    fn mmap(&self, ctx: MmapCtx<'_, P>) -> Result<Mapped<'_>, Errno> {
        ctx.without_faults::<Mixed>()?.finish()
    }
}

fn main() {}
