//! G8: one page does not fill a large entry.
use vmctx::{HugeFaultCtx, Mixed, Platform, VmFault};

fn huge_fault<'f, P: Platform>(ctx: HugeFaultCtx<'f, P, Mixed>, page: &P::Page) -> VmFault<'f> {
    ctx.insert_page(page)
}

fn main() {}
