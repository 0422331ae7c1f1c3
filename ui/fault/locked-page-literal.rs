//! G12: a page that nobody locked.
use vmctx::{FaultCtx, LockedPage, Normal, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Normal>, page: P::Page) -> VmFault<'f> {
    ctx.deliver_locked(LockedPage { page: Some(page) })
}

fn main() {}
