//! G13, G22: a frame of memory that can be taken back, inserted when the mapping is made: nobody would find it.
use vmctx::{Backing, Errno, MmapCtx, PageCount, PfnMap, Platform, Revocable, Spot};

fn mmap<'m, P: Platform, B: Backing<Platform = P>>(
    ctx: MmapCtx<'m, P, PfnMap>,
    memory: &'m Revocable<P, B>,
) -> Result<MmapCtx<'m, P, PfnMap>, Errno> {
    let resident = memory.resident(ctx.may_sleep());
    match resident.spot(PageCount::ZERO)? {
        Spot::Frame(frame) => ctx.insert_pfn(frame),
        Spot::Page(_) => Err(Errno::EINVAL),
    }
}

fn main() {}
