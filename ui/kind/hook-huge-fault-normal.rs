//! G9: `huge_fault` is no hook of a `Normal` mapping.
use core::marker::PhantomData;
use vmctx::{Hooks, HugeFaultCtx, Normal, Platform, VmFault, VmOperations};

struct Ring<P>(PhantomData<fn(P) -> P>);

impl<P: Platform> Ring<P> {
    fn huge_fault<'f>(&'f self, ctx: HugeFaultCtx<'f, P, Normal>) -> VmFault<'f> {
        ctx.fallback()
    }
}

impl<P: Platform> VmOperations for Ring<P> {
    type Platform = P;
    type Kind = Normal;
    const HOOKS: Hooks<Self> = Hooks::NONE.huge_fault(Self::huge_fault);
}

fn main() {}
