//! G9: `map_pages` is no hook of a `Remapped` mapping.
use core::marker::PhantomData;
use vmctx::{Hooks, MapPagesCtx, Platform, Remapped, VmFault, VmOperations};

struct Ring<P>(PhantomData<fn(P) -> P>);

impl<P: Platform> Ring<P> {
    fn map_pages<'f>(&'f self, ctx: MapPagesCtx<'f, P, Remapped>) -> VmFault<'f> {
        ctx.finish()
    }
}

impl<P: Platform> VmOperations for Ring<P> {
    type Platform = P;
    type Kind = Remapped;
    const HOOKS: Hooks<Self> = Hooks::NONE.map_pages(Self::map_pages);
}

fn main() {}
