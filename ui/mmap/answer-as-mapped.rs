//! G1, G2: a fault's answer is no mmap's success.
use vmctx::{Errno, FaultCtx, Mapped, Mixed, Platform};

fn serve<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>, page: &P::Page) -> Result<Mapped<'f>, Errno> {
    Ok(ctx.insert_page(page))
}

fn main() {}
