//! G9: `pfn_mkwrite` is no hook of a `Remapped` mapping.
use core::marker::PhantomData;
use vmctx::{Hooks, PfnMkwriteCtx, Platform, Remapped, VmFault, VmOperations};

struct Ring<P>(PhantomData<fn(P) -> P>);

impl<P: Platform> Ring<P> {
    fn pfn_mkwrite<'f>(&'f self, ctx: PfnMkwriteCtx<'f, P, Remapped>) -> VmFault<'f> {
        ctx.allow()
    }
}

impl<P: Platform> VmOperations for Ring<P> {
    type Platform = P;
    type Kind = Remapped;
    const HOOKS: Hooks<Self> = Hooks::NONE.pfn_mkwrite(Self::pfn_mkwrite);
}

fn main() {}
