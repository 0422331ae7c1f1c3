//! G25, G22: memory that can be taken back has no action: faults bring it.
use vmctx::{Backing, Errno, PageCount, Platform, PrepareCtx, Prepared, Remapped, Revocable, Spot};

fn mmap_prepare<'m, P: Platform, B: Backing<Platform = P>>(
    ctx: PrepareCtx<'m, P>,
    memory: &'m Revocable<P, B>,
) -> Result<Prepared<'m, P, Remapped>, Errno> {
    let resident = memory.resident(ctx.may_sleep());
    match resident.spot(PageCount::ZERO)? {
        Spot::Frame(frame) => ctx.remap_from_first(frame),
        Spot::Page(_) => Err(Errno::EINVAL),
    }
}

fn main() {}
