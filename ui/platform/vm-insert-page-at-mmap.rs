//! G6, G10: the raw insertion called from mmap, past the count of filled slots.
use vmctx::{Errno, Mixed, MmapCtx, Platform};

fn fill<P: Platform>(mut ctx: MmapCtx<'_, P, Mixed>, page: &P::Page) -> Result<(), Errno> {
    P::vm_insert_page(&mut ctx, 0x1000, page)
}

fn main() {}
