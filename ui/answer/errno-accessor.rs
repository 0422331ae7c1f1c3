//! G3: an answer asked for its errno.
use vmctx::{Errno, FaultCtx, Mixed, Platform};

fn serve<P: Platform>(ctx: FaultCtx<'_, P, Mixed>, page: &P::Page) -> Errno {
    ctx.insert_page(page).errno()
}

fn main() {}
