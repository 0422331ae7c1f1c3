//! G4: having looked at a queue is no evidence of having waited.
use vmctx::{FaultCtx, Mixed, Platform, Ticket, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>, ticket: Ticket<'_, P::WaitQueue>) -> VmFault<'f> {
    ctx.refault(ticket)
}

fn main() {}
