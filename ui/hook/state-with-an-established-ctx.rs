//! G7, G14: a state that keeps a locked mapping.
use vmctx::{EstablishedCtx, Mixed, Platform, VmOperations};

struct Hoard<P: Platform> {
    ctx: EstablishedCtx<'static, P, Mixed>,
}

impl<P: Platform> VmOperations for Hoard<P> {
    type Platform = P;
    type Kind = Mixed;
}

fn main() {}
