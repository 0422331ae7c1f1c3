//! G20: growth forbidden, after the kind has forbidden it.
use vmctx::{Mixed, MmapCtx, Platform};

fn late<'m, P: Platform>(ctx: MmapCtx<'m, P, Mixed>) -> MmapCtx<'m, P, Mixed> {
    ctx.dont_expand()
}

fn main() {}
