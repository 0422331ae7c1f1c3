//! G5: a fault that is answered only if there is a page.
use vmctx::{FaultCtx, Mixed, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>, page: Option<&P::Page>) -> VmFault<'f> {
    if let Some(page) = page {
        ctx.insert_page(page)
    }
}

fn main() {}
