//! G9: a page in a fault of a `Remapped` mapping.
use vmctx::{FaultCtx, Platform, Remapped, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Remapped>, page: &P::Page) -> VmFault<'f> {
    ctx.insert_page(page)
}

fn main() {}
