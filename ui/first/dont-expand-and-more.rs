//! G20: What every mapping has is asked for, and more.
//! At: `ctx.dont_expand()`
//! Write instead: `may_expand()`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> MmapFile for Dev<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        ctx.dont_expand().dont_dump().without_faults::<Mixed>()?.fill_at_pgoff(&self.pages)
    }
}

fn main() {}
