//! G9: the zero page, before the kind of the mapping is chosen.
use vmctx::{Errno, MmapCtx, Platform};

fn fill<'m, P: Platform>(ctx: MmapCtx<'m, P>) -> Result<MmapCtx<'m, P>, Errno> {
    ctx.insert_zero_page()
}

fn main() {}
