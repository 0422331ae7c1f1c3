//! G1: translating an errno that a fault's insertion does not have.
use vmctx::{Errno, FaultCtx, Mixed, Platform};

fn serve<P: Platform>(ctx: FaultCtx<'_, P, Mixed>, page: &P::Page) -> Result<(), Errno> {
    ctx.insert_page(page).map_err(|_| Errno::ENXIO)
}

fn main() {}
