//! G1: `map_pages` answers with `VmFault`, not with an errno.
use core::marker::PhantomData;
use vmctx::{Errno, Hooks, MapPagesCtx, Mixed, Platform, VmOperations};

struct Ring<P>(PhantomData<fn(P) -> P>);

impl<P: Platform> Ring<P> {
    fn map_pages<'f>(&'f self, ctx: MapPagesCtx<'f, P, Mixed>) -> Result<(), Errno> {
        drop(ctx);
        Err(Errno::EIO)
    }
}

impl<P: Platform> VmOperations for Ring<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.map_pages(Self::map_pages);
}

fn main() {}
