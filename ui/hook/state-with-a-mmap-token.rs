//! G1, G7: a state that keeps the mmap's token, to insert with `Result` inside a fault.
use vmctx::{Mixed, MmapCtx, Platform, VmOperations};

struct Hoard<P: Platform> {
    ctx: MmapCtx<'static, P, Mixed>,
}

impl<P: Platform> VmOperations for Hoard<P> {
    type Platform = P;
    type Kind = Mixed;
}

fn main() {}
