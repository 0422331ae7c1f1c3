//! G9, G20: a mapping of whatever kind allowed to grow.
use vmctx::{Kind, MmapCtx, Platform};

fn grow<'m, P: Platform, K: Kind>(ctx: MmapCtx<'m, P, K>) -> MmapCtx<'m, P, K> {
    ctx.may_expand()
}

fn main() {}
