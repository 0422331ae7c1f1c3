//! G5, G12: inserting with the token that gave up the lock.
use vmctx::{FaultCtx, Mixed, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>, page: &P::Page) -> VmFault<'f> {
    let _release = ctx.release();
    ctx.insert_page(page)
}

fn main() {}
