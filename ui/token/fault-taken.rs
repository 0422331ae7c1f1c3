//! G7: a token taken out of its place, which would leave a made-up one.
use vmctx::{FaultCtx, Mixed, Platform};

fn take<'f, P: Platform>(ctx: &mut FaultCtx<'f, P, Mixed>) -> FaultCtx<'f, P, Mixed> {
    core::mem::take(ctx)
}

fn main() {}
