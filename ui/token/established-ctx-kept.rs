//! G7: a locked mapping, kept for later.
use vmctx::{EstablishedCtx, Mixed, Platform};

fn keep<P: Platform>(ctx: EstablishedCtx<'_, P, Mixed>) -> EstablishedCtx<'static, P, Mixed> {
    ctx
}

fn main() {}
