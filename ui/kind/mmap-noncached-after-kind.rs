//! G9: a cache attribute, after the kind was chosen and slots may be filled.
use vmctx::{MmapCtx, PfnMap, Platform};

fn late<'m, P: Platform>(ctx: MmapCtx<'m, P, PfnMap>) -> MmapCtx<'m, P, PfnMap> {
    ctx.noncached()
}

fn main() {}
