//! G7: faults of one mapping run at the same time, so its state is shared.
use core::marker::PhantomData;
use vmctx::{Errno, FaultCtx, Mixed, Platform, VmFault, VmOperations};

struct Ring<P>(PhantomData<fn(P) -> P>);

impl<P: Platform> VmOperations for Ring<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&mut self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        ctx.fail(Errno::ENXIO)
    }
}

fn main() {}
