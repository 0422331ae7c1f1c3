//! G3, G16: looking for EBUSY in an answer.
use vmctx::{Errno, FaultCtx, Mixed, Platform};

fn serve<P: Platform>(ctx: FaultCtx<'_, P, Mixed>, page: &P::Page) -> bool {
    ctx.insert_page(page) == Errno::EBUSY
}

fn main() {}
