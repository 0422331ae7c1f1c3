//! G5: a fault hook that returns nothing.
use core::marker::PhantomData;
use vmctx::{FaultCtx, Mixed, Platform, VmOperations};

struct Ring<P>(PhantomData<fn(P) -> P>);

impl<P: Platform> VmOperations for Ring<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, _ctx: FaultCtx<'f, P, Mixed>) {}
}

fn main() {}
