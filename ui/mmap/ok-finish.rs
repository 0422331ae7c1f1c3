//! G6: `finish` has a result of its own: a slot may be empty.
use vmctx::{Errno, Mapped, Mixed, MmapCtx, Platform};

fn mmap<'m, P: Platform>(ctx: MmapCtx<'m, P, Mixed>) -> Result<Mapped<'m>, Errno> {
    Ok(ctx.finish())
}

fn main() {}
