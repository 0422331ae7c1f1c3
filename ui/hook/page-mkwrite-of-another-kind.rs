//! G9: `page_mkwrite` for another kind of mapping.
use core::marker::PhantomData;
use vmctx::{Hooks, Mixed, PageMkwriteCtx, PfnMap, Platform, VmFault, VmOperations};

struct Ring<P>(PhantomData<fn(P) -> P>);

impl<P: Platform> Ring<P> {
    fn page_mkwrite<'f>(&'f self, ctx: PageMkwriteCtx<'f, P, PfnMap>) -> VmFault<'f> {
        ctx.allow()
    }
}

impl<P: Platform> VmOperations for Ring<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.page_mkwrite(Self::page_mkwrite);
}

fn main() {}
