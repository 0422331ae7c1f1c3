//! G9: the zero page as a page, in a `PfnMap` mapping.
use vmctx::{Errno, Mapped, MmapCtx, PfnMap, Platform};

fn fill<'m, P: Platform>(ctx: MmapCtx<'m, P, PfnMap>) -> Result<Mapped<'m>, Errno> {
    ctx.insert_zero_page()?.finish()
}

fn main() {}
