//! G5, G12: a fault that cannot be retried still has to be served.
use vmctx::{FaultCtx, Mixed, Platform, Release, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
    match ctx.release() {
        Release::Released(released) => released.retry(),
        Release::NoWait(answer) => answer,
    }
}

fn main() {}
