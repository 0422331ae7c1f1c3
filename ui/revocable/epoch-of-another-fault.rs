//! G4: a moment that another fault noted gives no evidence to this one.
use vmctx::{Epoch, FaultCtx, Backing, PfnMap, Platform, VmFault};

fn serve<'a, 'b: 'a, P: Platform, L: Backing<Platform = P>>(
    ctx: FaultCtx<'a, P, PfnMap>,
    epoch: Epoch<'b, '_, P, L>,
) -> VmFault<'a> {
    match epoch.resident(ctx.may_sleep()) {
        Ok(resident) => resident.insert(ctx),
        Err(moved) => ctx.refault(moved),
    }
}

fn main() {}
