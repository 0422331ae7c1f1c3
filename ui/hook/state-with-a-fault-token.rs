//! G1, G7: a state that keeps a fault's token.
use vmctx::{FaultCtx, Mixed, Platform, VmOperations};

struct Hoard<P: Platform> {
    ctx: FaultCtx<'static, P, Mixed>,
}

impl<P: Platform> VmOperations for Hoard<P> {
    type Platform = P;
    type Kind = Mixed;
}

fn main() {}
