//! G4, G13: evidence made up.
use vmctx::{FaultCtx, Moved, PfnMap, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
    ctx.refault(Moved {})
}

fn main() {}
