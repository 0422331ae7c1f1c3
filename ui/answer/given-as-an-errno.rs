//! G3: an answer looked up, where a page is.
use vmctx::{FaultCtx, Mixed, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>, answer: VmFault<'f>) -> VmFault<'f> {
    ctx.insert_page_with(|_| Err::<P::Page, _>(answer))
}

fn main() {}
