//! G8: `VM_DONTEXPAND` from a fault, which holds its lock for read.
use vmctx::{FaultCtx, Mixed, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>, page: &P::Page) -> VmFault<'f> {
    ctx.dont_expand().insert_page(page)
}

fn main() {}
