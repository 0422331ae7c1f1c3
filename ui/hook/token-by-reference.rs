//! G5: a fault hook that is to leave its token behind.
use core::marker::PhantomData;
use vmctx::{FaultCtx, Mixed, Platform, VmFault, VmOperations};

struct Ring<P>(PhantomData<fn(P) -> P>);

impl<P: Platform> VmOperations for Ring<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, _ctx: &FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        loop {}
    }
}

fn main() {}
