//! G4: a fault hook whose answer belongs to no fault.
use core::marker::PhantomData;
use vmctx::{Errno, FaultCtx, Mixed, Platform, VmFault, VmOperations};

struct Ring<P>(PhantomData<fn(P) -> P>);

impl<P: Platform> VmOperations for Ring<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'static> {
        ctx.fail(Errno::ENXIO)
    }
}

fn main() {}
