//! G1: `page_mkwrite` answers with `VmFault`, not with an errno.
use core::marker::PhantomData;
use vmctx::{Errno, Hooks, Mixed, PageMkwriteCtx, Platform, VmOperations};

struct Ring<P>(PhantomData<fn(P) -> P>);

impl<P: Platform> Ring<P> {
    fn page_mkwrite<'f>(&'f self, ctx: PageMkwriteCtx<'f, P, Mixed>) -> Result<(), Errno> {
        drop(ctx);
        Err(Errno::EIO)
    }
}

impl<P: Platform> VmOperations for Ring<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.page_mkwrite(Self::page_mkwrite);
}

fn main() {}
