//! G8: a page inserted for a debugger, with the lookup in it.
use vmctx::{AccessCtx, Accessed, Errno, Mixed, Platform};

fn access<'a, P: Platform>(ctx: AccessCtx<'a, P, Mixed>, pages: &[P::Page]) -> Result<Accessed<'a>, Errno> {
    ctx.insert_page_with(|at| at.pgoff().of(pages).ok_or(Errno::ENXIO))
}

fn main() {}
