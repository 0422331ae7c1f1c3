//! G1: a fault hook that asks for the mmap hook's token.
use core::marker::PhantomData;
use vmctx::{Mixed, MmapCtx, Platform, VmFault, VmOperations};

struct Ring<P>(PhantomData<fn(P) -> P>);

impl<P: Platform> VmOperations for Ring<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, _ctx: MmapCtx<'f, P, Mixed>) -> VmFault<'f> {
        loop {}
    }
}

fn main() {}
