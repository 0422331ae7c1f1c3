//! G9: `huge_fault` is no hook of a `Remapped` mapping.
use core::marker::PhantomData;
use vmctx::{Hooks, HugeFaultCtx, Platform, Remapped, VmFault, VmOperations};

struct Ring<P>(PhantomData<fn(P) -> P>);

impl<P: Platform> Ring<P> {
    fn huge_fault<'f>(&'f self, ctx: HugeFaultCtx<'f, P, Remapped>) -> VmFault<'f> {
        ctx.fallback()
    }
}

impl<P: Platform> VmOperations for Ring<P> {
    type Platform = P;
    type Kind = Remapped;
    const HOOKS: Hooks<Self> = Hooks::NONE.huge_fault(Self::huge_fault);
}

fn main() {}
