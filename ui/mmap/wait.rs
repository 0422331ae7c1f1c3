//! G2, G4: waiting for a refault that a mmap cannot ask for.
use vmctx::{MmapCtx, Platform, Ticket};

fn mmap<P: Platform>(ctx: MmapCtx<'_, P>, queue: &P::WaitQueue, ticket: Ticket) {
    let _ = ctx.wait(queue, ticket);
}

fn main() {}
