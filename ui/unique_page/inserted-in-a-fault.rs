//! G21: a page of the pool inserted by a fault, which would stay in the pool.
use vmctx::{FaultCtx, Mixed, Platform, UniquePage, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>, page: &UniquePage<P>) -> VmFault<'f> {
    ctx.insert_page(page)
}

fn main() {}
