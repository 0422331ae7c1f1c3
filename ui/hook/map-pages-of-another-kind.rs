//! G9: `map_pages` for another kind of mapping.
use core::marker::PhantomData;
use vmctx::{Hooks, MapPagesCtx, Mixed, PfnMap, Platform, VmFault, VmOperations};

struct Ring<P>(PhantomData<fn(P) -> P>);

impl<P: Platform> Ring<P> {
    fn map_pages<'f>(&'f self, ctx: MapPagesCtx<'f, P, PfnMap>) -> VmFault<'f> {
        ctx.finish()
    }
}

impl<P: Platform> VmOperations for Ring<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.map_pages(Self::map_pages);
}

fn main() {}
