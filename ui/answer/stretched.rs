//! G4: an answer kept for ever.
use vmctx::{FaultCtx, Mixed, Platform, VmFault};

fn serve<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>, page: &P::Page) -> VmFault<'static> {
    ctx.insert_page(page)
}

fn main() {}
