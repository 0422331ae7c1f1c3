//! G19: the right to write left out after the kind has been chosen, of a mapping that was refused for it then.
use vmctx::{Errno, Mapped, Mixed, MmapCtx, Platform};

fn mmap<'m, P: Platform>(ctx: MmapCtx<'m, P>, status: &P::Page) -> Result<Mapped<'m>, Errno> {
    ctx.without_faults::<Mixed>()?.drop_write().insert_page(status)?.finish()
}

fn main() {}
