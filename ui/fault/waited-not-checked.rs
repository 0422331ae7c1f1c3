//! G4: a wait that was interrupted is no evidence.
use vmctx::{FaultCtx, Mixed, Platform, Ticket, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>, ticket: Ticket<'_, P::WaitQueue>) -> VmFault<'f> {
    let waited = ctx.wait(ticket);
    ctx.refault(waited)
}

fn main() {}
