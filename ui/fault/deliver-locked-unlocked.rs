//! G12: LOCKED only through a page that this fault locked.
use vmctx::{FaultCtx, Normal, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Normal>, page: P::Page) -> VmFault<'f> {
    ctx.deliver_locked(page)
}

fn main() {}
