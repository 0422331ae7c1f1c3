//! G4: `'_` takes the answer's lifetime from `&self`, not from the fault: write `<'f>` out.
use core::marker::PhantomData;
use vmctx::{Errno, FaultCtx, Mixed, Platform, VmFault, VmOperations};

struct Ring<P>(PhantomData<fn(P) -> P>);

impl<P: Platform> VmOperations for Ring<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault(&self, ctx: FaultCtx<'_, P, Mixed>) -> VmFault<'_> {
        ctx.fail(Errno::ENXIO)
    }
}

fn main() {}
