//! G5: the token spent while the page is looked up, and once more on the page.
use vmctx::{Errno, FaultCtx, Mixed, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>, page: &P::Page) -> VmFault<'f> {
    ctx.insert_page_with(|at| {
        at.insert_page(page);
        Err::<P::Page, _>(Errno::EBUSY)
    })
}

fn main() {}
