//! G7: looking at what a token is made of.
use vmctx::{FaultCtx, Mixed, Platform};

fn look<P: Platform>(ctx: &FaultCtx<'_, P, Mixed>) {
    let _ = &ctx.frame;
}

fn main() {}
