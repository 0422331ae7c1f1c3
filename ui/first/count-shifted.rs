//! G10: A length in bytes is shifted out of a count of pages.
//! At: `ctx.page_count() << P::PAGE_SHIFT`
//! Write instead: `count.get()`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> MmapFile for Dev<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        let bytes = ctx.page_count() << P::PAGE_SHIFT;
        if bytes > 1 << 20 {
            return Err(Errno::EINVAL);
        }
        ctx.without_faults::<Mixed>()?.fill_at_pgoff(&self.pages)
    }
}

fn main() {}
