//! G9: `page_mkwrite` is no hook of a `Remapped` mapping.
use core::marker::PhantomData;
use vmctx::{Hooks, PageMkwriteCtx, Platform, Remapped, VmFault, VmOperations};

struct Ring<P>(PhantomData<fn(P) -> P>);

impl<P: Platform> Ring<P> {
    fn page_mkwrite<'f>(&'f self, ctx: PageMkwriteCtx<'f, P, Remapped>) -> VmFault<'f> {
        ctx.allow()
    }
}

impl<P: Platform> VmOperations for Ring<P> {
    type Platform = P;
    type Kind = Remapped;
    const HOOKS: Hooks<Self> = Hooks::NONE.page_mkwrite(Self::page_mkwrite);
}

fn main() {}
