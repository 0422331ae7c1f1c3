//! G4: a refault needs to say what has changed.
use vmctx::{FaultCtx, Mixed, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
    ctx.refault()
}

fn main() {}
