//! G4: `'_` takes the answer's lifetime from `&self`, not from the call: write `<'f>` out.
use core::marker::PhantomData;
use vmctx::{Hooks, Mixed, PfnMkwriteCtx, Platform, VmFault, VmOperations};

struct Ring<P>(PhantomData<fn(P) -> P>);

impl<P: Platform> Ring<P> {
    fn pfn_mkwrite(&self, ctx: PfnMkwriteCtx<'_, P, Mixed>) -> VmFault<'_> {
        ctx.allow()
    }
}

impl<P: Platform> VmOperations for Ring<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.pfn_mkwrite(Self::pfn_mkwrite);
}

fn main() {}
