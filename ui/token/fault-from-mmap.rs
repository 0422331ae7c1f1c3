//! G2, G7: one context's token turned into the other's.
use vmctx::{FaultCtx, Mixed, MmapCtx, Platform};

fn forge<'m, P: Platform>(ctx: MmapCtx<'m, P, Mixed>) -> FaultCtx<'m, P, Mixed> {
    ctx.into()
}

fn main() {}
