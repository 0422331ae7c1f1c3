//! G7, G14: a fault's token is no proof that no hook is running.
use vmctx::{FaultCtx, Mixed, Platform, UnlockedCtx};

fn forge<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>) -> UnlockedCtx<'f, P> {
    ctx.into()
}

fn main() {}
