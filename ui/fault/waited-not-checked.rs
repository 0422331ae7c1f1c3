//! G4: a wait that was interrupted is no evidence.
use vmctx::{FaultCtx, Mixed, Platform, Ticket, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>, queue: &P::WaitQueue, ticket: Ticket) -> VmFault<'f> {
    let waited = ctx.wait(queue, ticket);
    ctx.refault(waited)
}

fn main() {}
