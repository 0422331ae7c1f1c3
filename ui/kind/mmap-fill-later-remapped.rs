//! G6, G9: a remapped range is mapped when it is made, or never.
use vmctx::{Mapped, MmapCtx, Platform, Remapped};

fn end<'m, P: Platform>(ctx: MmapCtx<'m, P, Remapped>) -> Mapped<'m> {
    ctx.fill_later()
}

fn main() {}
