//! G4: a wait without the moment from which a wake-up counts: one that came before would be missed.
use vmctx::{FaultCtx, Mixed, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>, filled: &P::WaitQueue) -> VmFault<'f> {
    ctx.release_and_wait(filled)
}

fn main() {}
