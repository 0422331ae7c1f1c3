//! G7: a state that keeps the token for pages at hand.
use vmctx::{MapPagesCtx, Mixed, Platform, VmOperations};

struct Hoard<P: Platform> {
    ctx: MapPagesCtx<'static, P, Mixed>,
}

impl<P: Platform> VmOperations for Hoard<P> {
    type Platform = P;
    type Kind = Mixed;
}

fn main() {}
