//! G12: a page is locked once; a copy of the lock would unlock it twice.
use vmctx::{FaultCtx, LockedPage, Mixed, Platform};

fn require_clone<T: Clone>(_: T) {}

fn serve<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>, page: &P::Page) {
    let locked: LockedPage<'f, P> = ctx.lock_page(page);
    require_clone(locked)
}

fn main() {}
