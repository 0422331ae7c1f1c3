//! G13: a frame of the old place, inserted after the guard was dropped.
use vmctx::{Errno, FaultCtx, Location, PageCount, PfnMap, Platform, Relocatable, Spot, VmFault};

fn fault<'f, P: Platform, L: Location<Platform = P>>(
    ctx: FaultCtx<'f, P, PfnMap>,
    memory: &Relocatable<P, L>,
) -> VmFault<'f> {
    let resident = memory.resident(ctx.may_sleep());
    let Some(Spot::Frame(frame)) = resident.location().spot(PageCount::ZERO) else {
        return ctx.fail(Errno::EFAULT);
    };
    drop(resident);
    ctx.insert_pfn(frame)
}

fn main() {}
