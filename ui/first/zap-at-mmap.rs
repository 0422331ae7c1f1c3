//! G14: A mmap hook takes pages away that it has not inserted.
//! At: `ctx.zap(`
//! Write instead: `object.unmap_once(first, count, may_sleep)`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> MmapFile for Dev<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        let ctx = ctx.without_faults::<Mixed>()?;
        ctx.zap(PageOffset::ZERO, ctx.page_count());
        ctx.finish()
    }
}

fn main() {}
