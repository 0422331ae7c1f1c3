//! G7, G12: a page lock is given back by the fault that took it.
use vmctx::{FaultCtx, Mixed, Platform};

fn require_send<T: Send>(_: T) {}

fn serve<P: Platform>(ctx: FaultCtx<'_, P, Mixed>, page: &P::Page) {
    require_send(ctx.lock_page(page))
}

fn main() {}
