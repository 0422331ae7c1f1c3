//! G7: the token for pages at hand that outlives its hook.
use vmctx::{MapPagesCtx, Mixed, Platform};

fn keep<P: Platform>(ctx: MapPagesCtx<'_, P, Mixed>) -> MapPagesCtx<'static, P, Mixed> {
    ctx
}

fn main() {}
