//! G14, G24: a fault waits for a page by its own means, and not as a system call does.
use vmctx::{FaultCtx, Mixed, PageCache, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>, cache: &PageCache<P>) -> VmFault<'f> {
    ctx.insert_page_with(|at| cache.get_or_insert(at.pgoff(), at, |_, _| Ok(())))
}

fn main() {}
