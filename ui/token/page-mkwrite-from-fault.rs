//! G7: the token for a first store is not the fault hook's, turned into it.
use vmctx::{FaultCtx, Mixed, PageMkwriteCtx, Platform};

fn forge<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>) -> PageMkwriteCtx<'f, P, Mixed> {
    ctx.into()
}

fn main() {}
