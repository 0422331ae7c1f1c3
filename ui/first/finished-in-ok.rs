//! G6: A result is wrapped once more.
//! At: `Ok(ctx.finish())`
//! Write instead: `Ok(ctx.finish()?)`
//! Missing: A
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> MmapFile for Dev<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        let ctx = ctx.without_faults::<Mixed>()?.insert_page(&self.pages[0])?;
        Ok(ctx.finish())
    }
}

fn main() {}
