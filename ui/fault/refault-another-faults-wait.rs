//! G4: what another fault waited for is no evidence for this one.
use vmctx::{FaultCtx, Mixed, Platform, VmFault, Waited};

fn serve<'a, 'b: 'a, P: Platform>(ctx: FaultCtx<'a, P, Mixed>, waited: Waited<'b>) -> VmFault<'a> {
    ctx.refault(waited)
}

fn main() {}
