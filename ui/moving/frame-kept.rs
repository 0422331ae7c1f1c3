//! G13, G21: a frame of the place where the memory is now, inserted without the guard that keeps it there.
use vmctx::{Errno, FaultCtx, Location, PageCount, PfnMap, Platform, Relocatable, Spot, VmFault};

fn fault<'f, P: Platform, L: Location<Platform = P>>(
    ctx: FaultCtx<'f, P, PfnMap>,
    memory: &'f Relocatable<P, L>,
) -> VmFault<'f> {
    let resident = memory.resident(ctx.may_sleep());
    match resident.location().spot(PageCount::ZERO) {
        Some(Spot::Frame(frame)) => ctx.insert_pfn(frame),
        _ => ctx.fail(Errno::EFAULT),
    }
}

fn main() {}
