//! G2: an entry with a protection of its own, while the mapping is made.
use vmctx::{Errno, Frame, Mapped, MmapCtx, PageProt, PfnMap, Platform};

fn fill<'m, P: Platform>(
    ctx: MmapCtx<'m, P, PfnMap>,
    frame: Frame<'m, P>,
    prot: PageProt,
) -> Result<Mapped<'m>, Errno> {
    ctx.insert_pfn_prot(frame, prot)?.finish()
}

fn main() {}
