//! G4: a moment in the queue's life made up, so that waiting ends at once.
use vmctx::{FaultCtx, Mixed, Platform, Ticket, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>, queue: &P::WaitQueue) -> VmFault<'f> {
    match ctx.wait(Ticket { queue, wakes: 0 }) {
        Ok(waited) => ctx.refault(waited),
        Err(errno) => ctx.fail_or_refault(errno),
    }
}

fn main() {}
