//! G2: All pages are mapped by the name that this has in C.
//! At: `.vm_map_pages(&self.pages)`
//! Write instead: `ctx.fill_at_pgoff(&pages)`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> MmapFile for Dev<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        ctx.without_faults::<Mixed>()?.vm_map_pages(&self.pages)
    }
}

fn main() {}
