//! G13, G21: a frame that a location shows, taken past the guard that keeps the memory where it is.
use vmctx::{Errno, FaultCtx, Location, PageCount, PfnMap, Platform, Relocatable, Spot, VmFault};

fn serve<'f, P: Platform, L: Location<Platform = P>>(
    ctx: FaultCtx<'f, P, PfnMap>,
    memory: &'f Relocatable<P, L>,
) -> VmFault<'f> {
    ctx.insert_pfn_with(|at| {
        let resident = memory.resident(at.may_sleep());
        match resident.location().spot(PageCount::ZERO) {
            Some(Spot::Frame(frame)) => Ok(frame),
            _ => Err(Errno::EFAULT),
        }
    })
}

fn main() {}
