//! G8: `generic_access_phys` in a fault.
use vmctx::{FaultCtx, PfnMap, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
    ctx.copy_mapped()
}

fn main() {}
