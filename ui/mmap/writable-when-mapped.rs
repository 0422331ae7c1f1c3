//! G6, G19: the grant that users may write, after the mapping was a success.
use vmctx::{Mapped, Mixed, MmapCtx, Platform};

fn mmap<'m, P: Platform>(ctx: MmapCtx<'m, P, Mixed>) -> Mapped<'m> {
    ctx.fill_later().writable()
}

fn main() {}
