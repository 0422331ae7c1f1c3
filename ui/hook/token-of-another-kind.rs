//! G9: a fault hook for another kind than the state says.
use core::marker::PhantomData;
use vmctx::{Errno, FaultCtx, Mixed, PfnMap, Platform, VmFault, VmOperations};

struct Ring<P>(PhantomData<fn(P) -> P>);

impl<P: Platform> VmOperations for Ring<P> {
    type Platform = P;
    type Kind = PfnMap;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        ctx.fail(Errno::ENXIO)
    }
}

fn main() {}
