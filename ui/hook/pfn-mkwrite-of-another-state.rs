//! G14: `pfn_mkwrite` of another state, which this mapping does not have.
use core::marker::PhantomData;
use vmctx::{Hooks, Mixed, PfnMkwriteCtx, Platform, VmFault, VmOperations};

struct Ring<P>(PhantomData<fn(P) -> P>);

struct Other;

fn other<'f, P: Platform>(_: &Other, ctx: PfnMkwriteCtx<'f, P, Mixed>) -> VmFault<'f> {
    ctx.allow()
}

impl<P: Platform> VmOperations for Ring<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.pfn_mkwrite(other);
}

fn main() {}
