//! G5, G6: waiting with the lock given up is the answer: the access is repeated, and inserts then.
use vmctx::{FaultCtx, Mixed, Platform, VmFault, WaitQueue};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>, filled: &P::WaitQueue, page: &P::Page) -> VmFault<'f> {
    let _waited = ctx.release_and_wait(filled.ticket());
    ctx.insert_page(page)
}

fn main() {}
