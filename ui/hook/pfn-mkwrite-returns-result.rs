//! G1: `pfn_mkwrite` answers with `VmFault`, not with an errno.
use core::marker::PhantomData;
use vmctx::{Errno, Hooks, Mixed, PfnMkwriteCtx, Platform, VmOperations};

struct Ring<P>(PhantomData<fn(P) -> P>);

impl<P: Platform> Ring<P> {
    fn pfn_mkwrite<'f>(&'f self, ctx: PfnMkwriteCtx<'f, P, Mixed>) -> Result<(), Errno> {
        drop(ctx);
        Err(Errno::EIO)
    }
}

impl<P: Platform> VmOperations for Ring<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.pfn_mkwrite(Self::pfn_mkwrite);
}

fn main() {}
