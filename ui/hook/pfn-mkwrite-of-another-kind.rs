//! G9: `pfn_mkwrite` for another kind of mapping.
use core::marker::PhantomData;
use vmctx::{Hooks, Mixed, PfnMap, PfnMkwriteCtx, Platform, VmFault, VmOperations};

struct Ring<P>(PhantomData<fn(P) -> P>);

impl<P: Platform> Ring<P> {
    fn pfn_mkwrite<'f>(&'f self, ctx: PfnMkwriteCtx<'f, P, PfnMap>) -> VmFault<'f> {
        ctx.allow()
    }
}

impl<P: Platform> VmOperations for Ring<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.pfn_mkwrite(Self::pfn_mkwrite);
}

fn main() {}
