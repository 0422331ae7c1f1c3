//! G2: an insertion at mmap is no fault's answer.
use vmctx::{Mixed, MmapCtx, Platform, VmFault};

fn serve<'m, P: Platform>(ctx: MmapCtx<'m, P, Mixed>, page: &P::Page) -> VmFault<'m> {
    ctx.insert_page(page)
}

fn main() {}
