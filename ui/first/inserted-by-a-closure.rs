//! G6: Pages are inserted by an iterator, which does not hand the token on.
//! At: `.try_for_each(|page| ctx.insert_page(page))?`
//! Write instead: `.try_fold(ctx, |ctx, page| ctx.insert_page(page))?`
//! Missing: C
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> MmapFile for Dev<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        let ctx = ctx.without_faults::<Mixed>()?;
        self.pages.iter().try_for_each(|page| ctx.insert_page(page))?;
        ctx.finish()
    }
}

fn main() {}
