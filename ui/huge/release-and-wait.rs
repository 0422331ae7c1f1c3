//! G5, G8: a huge fault keeps its lock; the fault hook, which is asked next, can give it up.
use vmctx::{HugeFaultCtx, PfnMap, Platform, VmFault, WaitQueue};

fn huge_fault<'f, P: Platform>(ctx: HugeFaultCtx<'f, P, PfnMap>, idle: &P::WaitQueue) -> VmFault<'f> {
    ctx.release_and_wait(idle.ticket())
}

fn main() {}
