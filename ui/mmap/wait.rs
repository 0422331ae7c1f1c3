//! G2, G4: waiting for a refault that a mmap cannot ask for.
use vmctx::{MmapCtx, Platform, Ticket};

fn mmap<P: Platform>(ctx: MmapCtx<'_, P>, ticket: Ticket<'_, P::WaitQueue>) {
    let _ = ctx.wait(ticket);
}

fn main() {}
