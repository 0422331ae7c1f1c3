//! G4: that the memory moved is good for one refault.
use vmctx::{FaultCtx, Moved, PfnMap, Platform, VmFault};

fn serve<'f, P: Platform>(ctx: FaultCtx<'f, P, PfnMap>, moved: Moved<'f>) -> (VmFault<'f>, Moved<'f>) {
    (ctx.refault(moved), moved)
}

fn main() {}
