//! G20, G10: an index that the user chose, not checked (05b252cccb2e, udmabuf).
use vmctx::{FaultCtx, Mixed, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>, pages: &[P::Page]) -> VmFault<'f> {
    ctx.insert_page_with(|at| at.pgoff().of(pages))
}

fn main() {}
