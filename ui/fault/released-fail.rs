//! G12: once the lock was given up, RETRY is the only answer.
use vmctx::{Errno, FaultCtx, Mixed, Platform, Release, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
    match ctx.release() {
        Release::Released(released) => released.fail(Errno::EIO),
        Release::NoWait(answer) => answer,
        Release::Keep(ctx) => ctx.fail(Errno::EIO),
    }
}

fn main() {}
