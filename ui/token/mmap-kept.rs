//! G7: a token that outlives its hook.
use vmctx::{Mixed, MmapCtx, Platform};

fn keep<P: Platform>(ctx: MmapCtx<'_, P, Mixed>) -> MmapCtx<'static, P, Mixed> {
    ctx
}

fn main() {}
