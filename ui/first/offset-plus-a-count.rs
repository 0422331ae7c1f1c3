//! G10: An end is calculated from an offset and a count.
//! At: `ctx.pgoff() + ctx.page_count()`
//! Write instead: `offset.checked_add`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> MmapFile for Dev<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        let end = ctx.pgoff() + ctx.page_count();
        if end.index() > self.pages.len() {
            return Err(Errno::EINVAL);
        }
        ctx.without_faults::<Mixed>()?.fill_at_pgoff(&self.pages)
    }
}

fn main() {}
