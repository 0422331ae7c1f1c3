//! G9: a state that serves no faults.
use vmctx::{Errno, Mapped, MmapCtx, Platform};

struct Buffer;

fn mmap<'m, P: Platform>(ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
    Ok(ctx.establish(Buffer)?.fill_later())
}

fn main() {}
