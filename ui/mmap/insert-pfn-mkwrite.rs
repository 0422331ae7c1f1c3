//! G2: a frame made writable at once, while the mapping is made.
use vmctx::{Errno, Frame, Mapped, MmapCtx, PfnMap, Platform};

fn fill<'m, P: Platform>(ctx: MmapCtx<'m, P, PfnMap>, frame: Frame<'m, P>) -> Result<Mapped<'m>, Errno> {
    ctx.insert_pfn_mkwrite(frame)?.finish()
}

fn main() {}
