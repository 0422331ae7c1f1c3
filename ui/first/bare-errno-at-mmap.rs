//! G2: A mmap hook fails with an errno that stands alone.
//! At: `Err(EINVAL)`
//! Write instead: `Errno::`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> MmapFile for Dev<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        if ctx.page_count() > self.pages.len() {
            return Err(EINVAL);
        }
        ctx.without_faults::<Mixed>()?.fill_at_pgoff(&self.pages)
    }
}

fn main() {}
