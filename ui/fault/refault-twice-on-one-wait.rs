//! G4: one wait is good for one refault.
use vmctx::{FaultCtx, Mixed, Platform, VmFault, Waited};

fn serve<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>, waited: Waited<'f>) -> (VmFault<'f>, Waited<'f>) {
    (ctx.refault(waited), waited)
}

fn main() {}
