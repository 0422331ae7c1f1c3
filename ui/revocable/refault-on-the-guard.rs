//! G4: that the memory stays where it is, is no evidence that it moved.
use vmctx::{FaultCtx, Backing, PfnMap, Platform, Resident, VmFault};

fn serve<'f, P: Platform, L: Backing<Platform = P>>(
    ctx: FaultCtx<'f, P, PfnMap>,
    resident: Resident<'_, P, L>,
) -> VmFault<'f> {
    ctx.refault(resident)
}

fn main() {}
