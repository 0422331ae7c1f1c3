//! G21: a page of the pool looked up and inserted, which would stay in the pool.
use vmctx::{Errno, FaultCtx, Mixed, Platform, UniquePage, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>, pages: &[UniquePage<P>]) -> VmFault<'f> {
    ctx.insert_page_with(|at| at.pgoff().of(pages).ok_or(Errno::ENXIO))
}

fn main() {}
