//! G6: The insertions of a loop are ignored, and their token with them.
//! At: `ctx.finish()`
//! Write instead: `ctx = ctx.insert_page(&page)?`
//! Missing: A
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> MmapFile for Dev<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        let ctx = ctx.without_faults::<Mixed>()?;
        for page in &self.pages {
            ctx.insert_page(page);
        }
        ctx.finish()
    }
}

fn main() {}
