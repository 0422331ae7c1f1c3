//! G1: an insertion in a fault is no `Result`, so there is no errno to pass on.
use vmctx::{Errno, FaultCtx, Mixed, Platform};

fn serve<P: Platform>(ctx: FaultCtx<'_, P, Mixed>, page: &P::Page) -> Result<(), Errno> {
    ctx.insert_page(page)?;
    Ok(())
}

fn main() {}
