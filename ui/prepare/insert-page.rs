//! G25: a prepare hook inserts no page.
use vmctx::{Errno, Mixed, Platform, PrepareCtx, Prepared};

fn mmap_prepare<'m, P: Platform>(ctx: PrepareCtx<'m, P>, page: &'m P::Page) -> Result<Prepared<'m, P, Mixed>, Errno> {
    ctx.insert_page(page)
}

fn main() {}
