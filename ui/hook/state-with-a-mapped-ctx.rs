//! G7, G14: a state that keeps a locked mapping.
use vmctx::{MappedCtx, Mixed, Platform, VmOperations};

struct Hoard<P: Platform> {
    ctx: MappedCtx<'static, P, Mixed>,
}

impl<P: Platform> VmOperations for Hoard<P> {
    type Platform = P;
    type Mapping = Mixed;
}

fn main() {}
