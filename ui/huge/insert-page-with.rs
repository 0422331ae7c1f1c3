//! G8: one page, looked up, for a large entry.
use vmctx::{Errno, HugeFaultCtx, Mixed, Platform, VmFault};

fn huge_fault<'f, P: Platform>(ctx: HugeFaultCtx<'f, P, Mixed>, pages: &[P::Page]) -> VmFault<'f> {
    ctx.insert_page_with(|at| at.pgoff().of(pages).ok_or(Errno::ENXIO))
}

fn main() {}
