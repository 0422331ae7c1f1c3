//! G14: an access hook of another state.
use core::marker::PhantomData;
use vmctx::{AccessCtx, Accessed, Errno, Hooks, PfnMap, Platform, VmOperations};

struct Ring<P>(PhantomData<fn(P) -> P>);

impl<P: Platform> VmOperations for Ring<P> {
    type Platform = P;
    type Kind = PfnMap;
    const HOOKS: Hooks<Self> = Hooks::NONE.access(other);
}

struct Other;

fn other<'a, P: Platform>(_: &'a Other, ctx: AccessCtx<'a, P, PfnMap>) -> Result<Accessed<'a>, Errno> {
    ctx.copy_mapped()
}

fn main() {}
