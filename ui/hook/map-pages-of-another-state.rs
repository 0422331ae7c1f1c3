//! G14: `map_pages` of another state, which this mapping does not have.
use core::marker::PhantomData;
use vmctx::{Hooks, MapPagesCtx, Mixed, Platform, VmFault, VmOperations};

struct Ring<P>(PhantomData<fn(P) -> P>);

struct Other;

fn other<'f, P: Platform>(_: &Other, ctx: MapPagesCtx<'f, P, Mixed>) -> VmFault<'f> {
    ctx.finish()
}

impl<P: Platform> VmOperations for Ring<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.map_pages(other);
}

fn main() {}
