//! G1: a page of another platform, looked up.
use vmctx::{Errno, FaultCtx, Mixed, Platform, VmFault};

fn fault<'f, P: Platform, Q: Platform>(ctx: FaultCtx<'f, P, Mixed>, pages: &[Q::Page]) -> VmFault<'f> {
    ctx.insert_page_with(|at| at.pgoff().of(pages).ok_or(Errno::ENXIO))
}

fn main() {}
