//! G8, G19: the grant that users may write, from a fault, which holds its lock for read.
use vmctx::{FaultCtx, Mixed, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>, page: &P::Page) -> VmFault<'f> {
    ctx.writable().insert_page(page)
}

fn main() {}
