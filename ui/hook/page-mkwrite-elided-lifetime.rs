//! G4: `'_` takes the answer's lifetime from `&self`, not from the call: write `<'f>` out.
use core::marker::PhantomData;
use vmctx::{Hooks, Mixed, PageMkwriteCtx, Platform, VmFault, VmOperations};

struct Ring<P>(PhantomData<fn(P) -> P>);

impl<P: Platform> Ring<P> {
    fn page_mkwrite(&self, ctx: PageMkwriteCtx<'_, P, Mixed>) -> VmFault<'_> {
        ctx.allow()
    }
}

impl<P: Platform> VmOperations for Ring<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.page_mkwrite(Self::page_mkwrite);
}

fn main() {}
