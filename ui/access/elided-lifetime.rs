//! G4: `'_` takes the answer's lifetime from `&self`, not from the call: write `<'a>` out.
use core::marker::PhantomData;
use vmctx::{AccessCtx, Accessed, Errno, Hooks, PfnMap, Platform, VmOperations};

struct Ring<P>(PhantomData<fn(P) -> P>);

impl<P: Platform> VmOperations for Ring<P> {
    type Platform = P;
    type Kind = PfnMap;
    const HOOKS: Hooks<Self> = Hooks::NONE.access(Self::access);
}

impl<P: Platform> Ring<P> {
    fn access(&self, ctx: AccessCtx<'_, P, PfnMap>) -> Result<Accessed<'_>, Errno> {
        ctx.copy_mapped()
    }
}

fn main() {}
