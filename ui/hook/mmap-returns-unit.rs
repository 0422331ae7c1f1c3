//! G6: a mmap hook whose success says nothing.
use core::marker::PhantomData;
use vmctx::{Errno, MmapCtx, MmapFile, Platform};

struct Device<P>(PhantomData<fn(P) -> P>);

impl<P: Platform> MmapFile for Device<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, _ctx: MmapCtx<'m, P>) -> Result<(), Errno> {
        Ok(())
    }
}

fn main() {}
