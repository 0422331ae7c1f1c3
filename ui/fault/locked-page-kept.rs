//! G12: a page lock does not outlive the fault that took it.
use vmctx::{FaultCtx, LockedPage, Mixed, Platform};

fn keep<P: Platform>(ctx: &FaultCtx<'_, P, Mixed>, page: &P::Page) -> LockedPage<'static, P> {
    ctx.lock_page(page)
}

fn main() {}
