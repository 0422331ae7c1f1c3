//! G4: a fault that is repeated without a change repeats for ever.
use vmctx::{FaultCtx, Mixed, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
    ctx.refault(())
}

fn main() {}
