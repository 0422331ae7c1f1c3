//! G9: a frame by number, in a `Remapped` mapping.
use vmctx::{Errno, Frame, Mapped, MmapCtx, Platform, Remapped};

fn fill<'m, P: Platform>(ctx: MmapCtx<'m, P, Remapped>, frame: Frame<'m, P>) -> Result<Mapped<'m>, Errno> {
    ctx.insert_pfn(frame)?.finish()
}

fn main() {}
