//! G5: an answer that may be none.
use vmctx::{FaultCtx, Mixed, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>, page: Option<&P::Page>) -> VmFault<'f> {
    page.map(|page| ctx.insert_page(page))
}

fn main() {}
