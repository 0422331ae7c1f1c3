//! G8, G20: a mapping allowed to grow, from a fault.
use vmctx::{FaultCtx, Mixed, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>, page: &P::Page) -> VmFault<'f> {
    ctx.may_expand().insert_page(page)
}

fn main() {}
