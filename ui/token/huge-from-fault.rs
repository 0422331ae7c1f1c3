//! G7: the token for a large entry is not the fault hook's, turned into it.
use vmctx::{FaultCtx, HugeFaultCtx, Mixed, Platform};

fn forge<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>) -> HugeFaultCtx<'f, P, Mixed> {
    ctx.into()
}

fn main() {}
