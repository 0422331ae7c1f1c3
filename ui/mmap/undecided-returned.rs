//! G6, G9: success without a kind.
use vmctx::{Errno, Mapped, MmapCtx, Platform};

fn mmap<'m, P: Platform>(ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
    Ok(ctx)
}

fn main() {}
