//! G5: two answers to one fault.
use vmctx::{FaultCtx, Mixed, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>, page: &P::Page, other: &P::Page) -> VmFault<'f> {
    let _first = ctx.insert_page(page);
    ctx.insert_page(other)
}

fn main() {}
