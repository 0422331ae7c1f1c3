//! G8, G20: growth forbidden from a fault, as in C in the mmap hook.
use vmctx::{FaultCtx, Mixed, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>, page: &P::Page) -> VmFault<'f> {
    ctx.dont_expand().insert_page(page)
}

fn main() {}
