//! G7: a state that keeps the token for a large entry.
use vmctx::{HugeFaultCtx, Mixed, Platform, VmOperations};

struct Hoard<P: Platform> {
    ctx: HugeFaultCtx<'static, P, Mixed>,
}

impl<P: Platform> VmOperations for Hoard<P> {
    type Platform = P;
    type Kind = Mixed;
}

fn main() {}
