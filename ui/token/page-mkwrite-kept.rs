//! G7: the token for a first store that outlives its hook.
use vmctx::{Mixed, PageMkwriteCtx, Platform};

fn keep<P: Platform>(ctx: PageMkwriteCtx<'_, P, Mixed>) -> PageMkwriteCtx<'static, P, Mixed> {
    ctx
}

fn main() {}
