//! G9, G19: the grant that users may write, after the kind was chosen and the mapping may have been refused for it.
use vmctx::{MmapCtx, PfnMap, Platform};

fn late<'m, P: Platform>(ctx: MmapCtx<'m, P, PfnMap>) -> MmapCtx<'m, P, PfnMap> {
    ctx.writable()
}

fn main() {}
