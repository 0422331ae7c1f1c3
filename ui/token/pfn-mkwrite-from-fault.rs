//! G7: the token for a first store to a frame is not the fault hook's, turned into it.
use vmctx::{FaultCtx, Mixed, PfnMkwriteCtx, Platform};

fn forge<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>) -> PfnMkwriteCtx<'f, P, Mixed> {
    ctx.into()
}

fn main() {}
