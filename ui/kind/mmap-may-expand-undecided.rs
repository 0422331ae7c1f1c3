//! G9, G20: a mapping allowed to grow before its kind says whether it can.
use vmctx::{MmapCtx, Platform};

fn grow<'m, P: Platform>(ctx: MmapCtx<'m, P>) -> MmapCtx<'m, P> {
    ctx.may_expand()
}

fn main() {}
