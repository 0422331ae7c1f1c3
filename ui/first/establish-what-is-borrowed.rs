//! G9: A file that is no state is moved into the mapping.
//! At: `ctx.establish(*self)`
//! Write instead: `ctx.establish(state)`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> MmapFile for Dev<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.establish(*self)?.fill_later())
    }
}

fn main() {}
