//! G4: a driver's own word that something changed is no evidence.
use vmctx::{FaultCtx, Mixed, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>, moved: bool) -> VmFault<'f> {
    ctx.refault(moved)
}

fn main() {}
