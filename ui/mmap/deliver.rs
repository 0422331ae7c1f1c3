//! G2: the `nopage` way is a fault's.
use vmctx::{Errno, Mapped, MmapCtx, Normal, Platform};

fn fill<'m, P: Platform>(ctx: MmapCtx<'m, P, Normal>, page: P::Page) -> Result<Mapped<'m>, Errno> {
    ctx.deliver(page)?.finish()
}

fn main() {}
