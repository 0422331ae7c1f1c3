//! G9: an access hook of another kind of mapping.
use core::marker::PhantomData;
use vmctx::{AccessCtx, Accessed, Errno, Hooks, PfnMap, Platform, Remapped, VmOperations};

struct Ring<P>(PhantomData<fn(P) -> P>);

impl<P: Platform> VmOperations for Ring<P> {
    type Platform = P;
    type Kind = PfnMap;
    const HOOKS: Hooks<Self> = Hooks::NONE.access(Self::access);
}

impl<P: Platform> Ring<P> {
    fn access<'a>(&'a self, ctx: AccessCtx<'a, P, Remapped>) -> Result<Accessed<'a>, Errno> {
        ctx.copy_mapped()
    }
}

fn main() {}
