//! G6: A mmap hook returns the zero of C.
//! At: `Ok(0)`
//! Write instead: `ctx.finish()`
//! Missing: A, C
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> MmapFile for Dev<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        if ctx.page_count() > self.pages.len() {
            return Err(Errno::EINVAL);
        }
        Ok(0)
    }
}

fn main() {}
