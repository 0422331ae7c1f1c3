//! G7, G8: an access hook that asks for a fault's token.
use core::marker::PhantomData;
use vmctx::{Errno, FaultCtx, Hooks, PfnMap, Platform, VmFault, VmOperations};

struct Ring<P>(PhantomData<fn(P) -> P>);

impl<P: Platform> VmOperations for Ring<P> {
    type Platform = P;
    type Kind = PfnMap;
    const HOOKS: Hooks<Self> = Hooks::NONE.access(Self::access);
}

impl<P: Platform> Ring<P> {
    fn access<'a>(&'a self, ctx: FaultCtx<'a, P, PfnMap>) -> VmFault<'a> {
        ctx.fail(Errno::EIO)
    }
}

fn main() {}
