//! G7: a file that two threads would race for.
use core::cell::Cell;
use core::marker::PhantomData;
use vmctx::{Errno, Mapped, MmapCtx, MmapFile, Platform};

struct Device<P> {
    opens: Cell<u32>,
    platform: PhantomData<fn(P) -> P>,
}

impl<P: Platform> MmapFile for Device<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, _ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        Err(Errno::ENODEV)
    }
}

fn main() {}
