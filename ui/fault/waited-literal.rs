//! G4: evidence of a wait that was not.
use vmctx::{FaultCtx, Mixed, Platform, VmFault, Waited};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
    ctx.refault(Waited {})
}

fn main() {}
