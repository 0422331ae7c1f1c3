//! G2: A page is inserted at mmap by the name that this has in C.
//! At: `ctx.vm_insert_page(page)`
//! Write instead: `ctx = ctx.insert_page(&page)?`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> MmapFile for Dev<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        let ctx = ctx.without_faults::<Mixed>()?;
        let page = &self.pages[0];
        ctx.vm_insert_page(page)?.finish()
    }
}

fn main() {}
