//! G7: a token that outlives its hook.
use vmctx::{FaultCtx, Mixed, Platform};

fn keep<P: Platform>(ctx: FaultCtx<'_, P, Mixed>) -> FaultCtx<'static, P, Mixed> {
    ctx
}

fn main() {}
