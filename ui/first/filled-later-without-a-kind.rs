//! G9: A mapping of which nothing is decided is left to faults.
//! At: `ctx.fill_later()`
//! Write instead: `ctx.establish(state)?.fill_later()`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> MmapFile for Dev<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.fill_later())
    }
}

fn main() {}
