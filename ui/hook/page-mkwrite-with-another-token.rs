//! G7, G8: `page_mkwrite` that asks for another hook's token.
use core::marker::PhantomData;
use vmctx::{Errno, FaultCtx, Hooks, Mixed, Platform, VmFault, VmOperations};

struct Ring<P>(PhantomData<fn(P) -> P>);

impl<P: Platform> Ring<P> {
    fn page_mkwrite<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        ctx.fail(Errno::EIO)
    }
}

impl<P: Platform> VmOperations for Ring<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.page_mkwrite(Self::page_mkwrite);
}

fn main() {}
