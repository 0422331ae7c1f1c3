//! G4: `'_` takes the answer's lifetime from `&self`, not from the call: write `<'f>` out.
use core::marker::PhantomData;
use vmctx::{Hooks, MapPagesCtx, Mixed, Platform, VmFault, VmOperations};

struct Ring<P>(PhantomData<fn(P) -> P>);

impl<P: Platform> Ring<P> {
    fn map_pages(&self, ctx: MapPagesCtx<'_, P, Mixed>) -> VmFault<'_> {
        ctx.finish()
    }
}

impl<P: Platform> VmOperations for Ring<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.map_pages(Self::map_pages);
}

fn main() {}
