//! G2: A page is inserted by the method of that name, with what C has to be told.
//! At: `ctx.vm_insert_page(0, 0x1000, &self.pages[0])`
//! Write instead: `ctx = ctx.insert_page(&page)?`
//! Missing: D
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> MmapFile for Dev<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        let ctx = ctx.without_faults::<Mixed>()?;
        ctx.vm_insert_page(0, 0x1000, &self.pages[0])
    }
}

fn main() {}
