//! G25: a page that the hook allocates is nobody's when the mapping is not made after all.
use vmctx::{Errno, Mixed, Platform, PrepareCtx, Prepared};

fn mmap_prepare<'m, P: Platform>(
    ctx: PrepareCtx<'m, P>,
    memory: &'m P::Memory,
) -> Result<Prepared<'m, P, Mixed>, Errno> {
    let pages = [P::alloc_page(memory, ctx.may_sleep())?];
    ctx.writable().fill_from_first(&pages)
}

fn main() {}
