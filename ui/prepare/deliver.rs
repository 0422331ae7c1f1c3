//! G25: nobody takes a page from a prepare hook.
use vmctx::{Errno, Normal, Platform, PrepareCtx, Prepared};

fn mmap_prepare<'m, P: Platform>(ctx: PrepareCtx<'m, P>, page: P::Page) -> Result<Prepared<'m, P, Normal>, Errno> {
    ctx.deliver(page)
}

fn main() {}
