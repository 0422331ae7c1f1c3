//! G7: the token for a first store to a frame that outlives its hook.
use vmctx::{Mixed, PfnMkwriteCtx, Platform};

fn keep<P: Platform>(ctx: PfnMkwriteCtx<'_, P, Mixed>) -> PfnMkwriteCtx<'static, P, Mixed> {
    ctx
}

fn main() {}
