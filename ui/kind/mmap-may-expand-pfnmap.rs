//! G9, G20: a mapping of frames allowed to grow over the end of its object.
use vmctx::{MmapCtx, PfnMap, Platform};

fn grow<'m, P: Platform>(ctx: MmapCtx<'m, P, PfnMap>) -> MmapCtx<'m, P, PfnMap> {
    ctx.may_expand()
}

fn main() {}
