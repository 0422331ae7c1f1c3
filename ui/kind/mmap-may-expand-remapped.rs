//! G9, G20: a mapping that is mapped once and for all allowed to grow, with nothing behind.
use vmctx::{MmapCtx, Platform, Remapped};

fn grow<'m, P: Platform>(ctx: MmapCtx<'m, P, Remapped>) -> MmapCtx<'m, P, Remapped> {
    ctx.may_expand()
}

fn main() {}
