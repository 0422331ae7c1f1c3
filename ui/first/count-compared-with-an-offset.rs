//! G10: The length of the mapping is compared with a place in the object.
//! At: `ctx.page_count() > self.first`
//! Write instead: `offset.index()`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
    first: PageOffset,
}

impl<P: Platform> MmapFile for Dev<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        if ctx.page_count() > self.first {
            return Err(Errno::EINVAL);
        }
        Ok(ctx.without_faults::<Mixed>()?.fill_later())
    }
}

fn main() {}
