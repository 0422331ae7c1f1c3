//! G13, G22: a frame of memory that was just taken back, given to a user all the same.
use vmctx::{Backing, Errno, FaultCtx, PageCount, PfnMap, Platform, Revocable, Spot, VmFault};

fn fault<'f, P: Platform, B: Backing<Platform = P>>(
    ctx: FaultCtx<'f, P, PfnMap>,
    memory: &'f Revocable<P, B>,
) -> VmFault<'f> {
    let revoked = memory.revoke(ctx.may_sleep());
    match revoked.spot(PageCount::ZERO) {
        Ok(Spot::Frame(frame)) => ctx.insert_pfn(frame),
        _ => ctx.fail(Errno::EFAULT),
    }
}

fn main() {}
