//! G5: a fault hook that answers later.
use core::marker::PhantomData;
use vmctx::{Errno, FaultCtx, Mixed, Platform, VmFault, VmOperations};

struct Ring<P>(PhantomData<fn(P) -> P>);

impl<P: Platform> VmOperations for Ring<P> {
    type Platform = P;
    type Kind = Mixed;

    async fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        ctx.fail(Errno::ENXIO)
    }
}

fn main() {}
