//! G13, G21: a frame of the place where the memory is now, inserted without the guard that keeps it there.
use vmctx::{Errno, FaultCtx, Backing, PageCount, PfnMap, Platform, Revocable, Spot, VmFault};

fn fault<'f, P: Platform, L: Backing<Platform = P>>(
    ctx: FaultCtx<'f, P, PfnMap>,
    memory: &'f Revocable<P, L>,
) -> VmFault<'f> {
    let resident = memory.resident(ctx.may_sleep());
    match resident.spot(PageCount::ZERO) {
        Ok(Spot::Frame(frame)) => ctx.insert_pfn(frame),
        _ => ctx.fail(Errno::EFAULT),
    }
}

fn main() {}
