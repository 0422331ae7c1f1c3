//! G4: that the memory stays where it is, is no evidence that it moved.
use vmctx::{FaultCtx, Location, PfnMap, Platform, Resident, VmFault};

fn serve<'f, P: Platform, L: Location<Platform = P>>(
    ctx: FaultCtx<'f, P, PfnMap>,
    resident: Resident<'_, P, L>,
) -> VmFault<'f> {
    ctx.refault(resident)
}

fn main() {}
