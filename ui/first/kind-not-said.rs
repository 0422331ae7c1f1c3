//! G9: A mapping without faults is made, and its kind is not said.
//! At: `ctx.without_faults()?`
//! Write instead: `without_faults::<`
//! Missing: A
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> MmapFile for Dev<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        ctx.without_faults()?.insert_page(&self.pages[0])?.finish()
    }
}

fn main() {}
