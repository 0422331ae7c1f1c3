//! G3: an answer made an errno with `as`.
use vmctx::{Errno, FaultCtx, Mixed, Platform};

fn serve<P: Platform>(ctx: FaultCtx<'_, P, Mixed>, page: &P::Page) -> Errno {
    ctx.insert_page(page) as Errno
}

fn main() {}
