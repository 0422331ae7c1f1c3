//! G6: A mmap hook returns what its only insertion gave.
//! At: `ctx.insert_page(&self.pages[0])`
//! Write instead: `ctx.finish()`
//! Missing: A, C
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> MmapFile for Dev<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        let ctx = ctx.without_faults::<Mixed>()?;
        ctx.insert_page(&self.pages[0])
    }
}

fn main() {}
