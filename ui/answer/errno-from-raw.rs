//! G3: an answer made an errno through its number.
use vmctx::{Errno, FaultCtx, Mixed, Platform};

fn serve<P: Platform>(ctx: FaultCtx<'_, P, Mixed>, page: &P::Page) -> Option<Errno> {
    Errno::from_raw(ctx.insert_page(page))
}

fn main() {}
