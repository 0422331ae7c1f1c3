//! G7: the token for pages at hand is not the fault hook's, turned into it.
use vmctx::{FaultCtx, MapPagesCtx, Mixed, Platform};

fn forge<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>) -> MapPagesCtx<'f, P, Mixed> {
    ctx.into()
}

fn main() {}
