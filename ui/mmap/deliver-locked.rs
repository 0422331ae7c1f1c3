//! G2: the `nopage` way is a fault's, with and without the page lock.
use vmctx::{LockedPage, MmapCtx, Normal, Platform};

fn fill<P: Platform>(ctx: MmapCtx<'_, P, Normal>, page: LockedPage<'_, P>) {
    ctx.deliver_locked(page)
}

fn main() {}
