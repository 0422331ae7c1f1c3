//! G7, G14: a state that keeps the proof that no hook is running.
use vmctx::{Mixed, Platform, UnlockedCtx, VmOperations};

struct Hoard<P: Platform> {
    ctx: UnlockedCtx<'static, P>,
}

impl<P: Platform> VmOperations for Hoard<P> {
    type Platform = P;
    type Kind = Mixed;
}

fn main() {}
