//! G9: A mapping is made read-only when its page is in.
//! At: `ctx.read_only()?`
//! Write instead: `above `ctx.establish(..)?``
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> MmapFile for Dev<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        let mut ctx = ctx.without_faults::<Mixed>()?.insert_page(&self.pages[0])?;
        ctx = ctx.read_only()?;
        ctx.finish()
    }
}

fn main() {}
