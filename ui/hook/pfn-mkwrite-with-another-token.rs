//! G7, G8: `pfn_mkwrite` that asks for another hook's token.
use core::marker::PhantomData;
use vmctx::{Hooks, Mixed, PageMkwriteCtx, Platform, VmFault, VmOperations};

struct Ring<P>(PhantomData<fn(P) -> P>);

impl<P: Platform> Ring<P> {
    fn pfn_mkwrite<'f>(&'f self, ctx: PageMkwriteCtx<'f, P, Mixed>) -> VmFault<'f> {
        ctx.allow()
    }
}

impl<P: Platform> VmOperations for Ring<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.pfn_mkwrite(Self::pfn_mkwrite);
}

fn main() {}
