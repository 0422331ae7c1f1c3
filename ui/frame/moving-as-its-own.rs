//! G13, G21: a frame that a location shows, taken past the guard that keeps the memory where it is.
use vmctx::{Errno, FaultCtx, Backing, PageCount, PfnMap, Platform, Revocable, Spot, VmFault};

fn serve<'f, P: Platform, L: Backing<Platform = P>>(
    ctx: FaultCtx<'f, P, PfnMap>,
    memory: &'f Revocable<P, L>,
) -> VmFault<'f> {
    ctx.insert_pfn_with(|at| {
        let resident = memory.resident(at.may_sleep());
        match resident.spot(PageCount::ZERO) {
            Ok(Spot::Frame(frame)) => Ok(frame),
            _ => Err(Errno::EFAULT),
        }
    })
}

fn main() {}
