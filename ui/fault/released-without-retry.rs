//! G5, G12: the lock was given up, and the fault is left without its answer.
use vmctx::{Errno, FaultCtx, Mixed, Platform, Release, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
    match ctx.release() {
        Release::Released(released) => released,
        Release::NoWait(answer) => answer,
        Release::Keep(ctx) => ctx.fail(Errno::EAGAIN),
    }
}

fn main() {}
