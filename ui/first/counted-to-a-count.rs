//! G10: Pages are counted up to the number of them.
//! At: `for i in 0..ctx.page_count() {`
//! Write instead: `ctx.page_count().get()`
//! Missing: A, C
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> MmapFile for Dev<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        let mut ctx = ctx.without_faults::<Mixed>()?;
        for i in 0..ctx.page_count() {
            ctx = ctx.insert_page(&self.pages[i])?;
        }
        ctx.finish()
    }
}

fn main() {}
