//! G7: a state that keeps the token.
use vmctx::{AccessCtx, PfnMap, Platform, VmOperations};

struct Hoard<P: Platform> {
    ctx: AccessCtx<'static, P, PfnMap>,
}

impl<P: Platform> VmOperations for Hoard<P> {
    type Platform = P;
    type Kind = PfnMap;
}

fn main() {}
