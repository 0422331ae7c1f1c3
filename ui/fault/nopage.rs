//! G4: NOPAGE is what an insertion answers, not what a driver may claim.
use vmctx::{FaultCtx, Mixed, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
    ctx.nopage()
}

fn main() {}
