//! G7: a state that keeps the token for a first store.
use vmctx::{Mixed, PageMkwriteCtx, Platform, VmOperations};

struct Hoard<P: Platform> {
    ctx: PageMkwriteCtx<'static, P, Mixed>,
}

impl<P: Platform> VmOperations for Hoard<P> {
    type Platform = P;
    type Kind = Mixed;
}

fn main() {}
