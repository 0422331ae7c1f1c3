//! G4: a moment is no evidence: nobody has looked yet whether the memory moved.
use vmctx::{Epoch, FaultCtx, Backing, PfnMap, Platform, VmFault};

fn serve<'f, P: Platform, L: Backing<Platform = P>>(
    ctx: FaultCtx<'f, P, PfnMap>,
    epoch: Epoch<'f, '_, P, L>,
) -> VmFault<'f> {
    ctx.refault(epoch)
}

fn main() {}
