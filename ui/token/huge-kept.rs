//! G7: the token for a large entry that outlives its hook.
use vmctx::{HugeFaultCtx, Mixed, Platform};

fn keep<P: Platform>(ctx: HugeFaultCtx<'_, P, Mixed>) -> HugeFaultCtx<'static, P, Mixed> {
    ctx
}

fn main() {}
