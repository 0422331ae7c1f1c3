//! G12, G14: what a fault locks is not the lock of an ioctl.
use vmctx::{FaultCtx, Normal, PageLock, Platform};

fn lock<'f, P: Platform>(ctx: &FaultCtx<'f, P, Normal>, page: &P::Page) -> PageLock<'f, P> {
    ctx.lock_page(page)
}

fn main() {}
