//! G1: a helper that is to give a fault's insertion back as a `Result`.
use vmctx::{Errno, FaultCtx, Mixed, Platform};

fn serve<P: Platform>(ctx: FaultCtx<'_, P, Mixed>, page: &P::Page) -> Result<(), Errno> {
    ctx.insert_page(page)
}

fn main() {}
