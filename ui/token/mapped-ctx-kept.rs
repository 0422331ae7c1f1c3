//! G7: a locked mapping, kept for later.
use vmctx::{MappedCtx, Mixed, Platform};

fn keep<P: Platform>(ctx: MappedCtx<'_, P, Mixed>) -> MappedCtx<'static, P, Mixed> {
    ctx
}

fn main() {}
