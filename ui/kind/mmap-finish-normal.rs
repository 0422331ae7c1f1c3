//! G6, G9: a mapping whose pages come from faults, claimed to be filled.
use vmctx::{Errno, Mapped, MmapCtx, Normal, Platform};

fn end<'m, P: Platform>(ctx: MmapCtx<'m, P, Normal>) -> Result<Mapped<'m>, Errno> {
    ctx.finish()
}

fn main() {}
