//! G3: an answer made an errno with `from`.
use vmctx::{Errno, FaultCtx, Mixed, Platform};

fn serve<P: Platform>(ctx: FaultCtx<'_, P, Mixed>, page: &P::Page) -> Errno {
    Errno::from(ctx.insert_page(page))
}

fn main() {}
