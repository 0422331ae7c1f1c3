//! G6, G20: a mapping allowed to grow after it was a success.
use vmctx::{Mapped, Mixed, MmapCtx, Platform};

fn mmap<'m, P: Platform>(ctx: MmapCtx<'m, P, Mixed>) -> Mapped<'m> {
    ctx.fill_later().may_expand()
}

fn main() {}
