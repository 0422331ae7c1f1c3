//! G5: the token returned in place of an answer.
use vmctx::{FaultCtx, Mixed, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
    ctx
}

fn main() {}
