//! G14: `huge_fault` of another state, which this mapping does not have.
use core::marker::PhantomData;
use vmctx::{Hooks, HugeFaultCtx, Mixed, Platform, VmFault, VmOperations};

struct Ring<P>(PhantomData<fn(P) -> P>);

struct Other;

fn other<'f, P: Platform>(_: &Other, ctx: HugeFaultCtx<'f, P, Mixed>) -> VmFault<'f> {
    ctx.fallback()
}

impl<P: Platform> VmOperations for Ring<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.huge_fault(other);
}

fn main() {}
