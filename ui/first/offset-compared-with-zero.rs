//! G10: A mapping has to begin with the first page.
//! At: `ctx.pgoff() != 0`
//! Write instead: `PageOffset::new(number)`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> MmapFile for Dev<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        if ctx.pgoff() != 0 {
            return Err(Errno::EINVAL);
        }
        ctx.without_faults::<Mixed>()?.fill_at_pgoff(&self.pages)
    }
}

fn main() {}
