//! G6: A mmap hook returns `Ok(())`.
//! At: `Ok(())`
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
        let _filled = ctx.insert_page(&self.pages[0])?;
        Ok(())
    }
}

fn main() {}
