//! G4, G13: evidence out of nothing.
use vmctx::{FaultCtx, Moved, PfnMap, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
    ctx.refault(Moved::default())
}

fn main() {}
