//! G4: `'_` takes the answer's lifetime from `&self`, not from the call: write `<'f>` out.
use core::marker::PhantomData;
use vmctx::{Hooks, HugeFaultCtx, Mixed, Platform, VmFault, VmOperations};

struct Ring<P>(PhantomData<fn(P) -> P>);

impl<P: Platform> Ring<P> {
    fn huge_fault(&self, ctx: HugeFaultCtx<'_, P, Mixed>) -> VmFault<'_> {
        ctx.fallback()
    }
}

impl<P: Platform> VmOperations for Ring<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.huge_fault(Self::huge_fault);
}

fn main() {}
