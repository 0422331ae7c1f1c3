//! G22, G24: what is made on demand can be taken back, so the mmap hook leaves it to faults.
use vmctx::{Errno, IomemPart, Mapped, MmapCtx, OnDemand, PfnMap, Platform};

fn mmap<'m, P: Platform>(
    ctx: MmapCtx<'m, P, PfnMap>,
    blocks: &OnDemand<P, IomemPart<P>>,
) -> Result<Mapped<'m>, Errno> {
    blocks.serve(ctx, |_, _| Err(Errno::ENOMEM))?.finish()
}

fn main() {}
