//! G6, G7: the VMA taken out of its token.
use vmctx::{Errno, Mixed, MmapCtx, Platform};

fn fill<P: Platform>(ctx: MmapCtx<'_, P, Mixed>, page: &P::Page) -> Result<(), Errno> {
    P::vm_insert_page(ctx.vma, 0x1000, page)
}

fn main() {}
