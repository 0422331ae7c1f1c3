//! G2: a mmap hook that returns a fault's answer.
use core::marker::PhantomData;
use vmctx::{MmapCtx, MmapFile, Platform, VmFault};

struct Device<P>(PhantomData<fn(P) -> P>);

impl<P: Platform> MmapFile for Device<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, _ctx: MmapCtx<'m, P>) -> VmFault<'m> {
        loop {}
    }
}

fn main() {}
