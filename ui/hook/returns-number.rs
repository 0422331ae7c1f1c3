//! G4: a fault hook that returns a `vm_fault_t` as C knows it.
use core::marker::PhantomData;
use vmctx::{FaultCtx, Mixed, Platform, VmOperations};

struct Ring<P>(PhantomData<fn(P) -> P>);

impl<P: Platform> VmOperations for Ring<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, _ctx: FaultCtx<'f, P, Mixed>) -> u32 {
        0x100
    }
}

fn main() {}
