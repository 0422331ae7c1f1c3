//! G6: A success is not wrapped.
//! At: `ctx.without_faults::<Mixed>()?.fill_later()`
//! Write instead: `Ok(ctx.without_faults::<Mixed>()?.fill_later())`
//! Missing: A
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> MmapFile for Dev<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        ctx.without_faults::<Mixed>()?.fill_later()
    }
}

fn main() {}
