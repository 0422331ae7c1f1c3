//! G7: a state that keeps the token for a first store to a frame.
use vmctx::{Mixed, PfnMkwriteCtx, Platform, VmOperations};

struct Hoard<P: Platform> {
    ctx: PfnMkwriteCtx<'static, P, Mixed>,
}

impl<P: Platform> VmOperations for Hoard<P> {
    type Platform = P;
    type Kind = Mixed;
}

fn main() {}
