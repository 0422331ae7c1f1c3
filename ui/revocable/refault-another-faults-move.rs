//! G4: what another fault saw moving is no evidence for this one.
use vmctx::{FaultCtx, Moved, PfnMap, Platform, VmFault};

fn serve<'a, 'b: 'a, P: Platform>(ctx: FaultCtx<'a, P, PfnMap>, moved: Moved<'b>) -> VmFault<'a> {
    ctx.refault(moved)
}

fn main() {}
