//! G1, G3: a helper that was written for mmap, called from a fault with its `?` left in.
use vmctx::{Errno, FaultCtx, Mixed, Platform, VmFault};

fn helper<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>, page: &P::Page) -> Result<VmFault<'f>, Errno> {
    Ok(ctx.insert_page(page)?)
}

fn main() {}
