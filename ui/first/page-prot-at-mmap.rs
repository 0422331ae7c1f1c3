//! G8: The protection of the mapping is taken to be changed.
//! At: `ctx.vm_page_prot()`
//! Write instead: `ctx.noncached()`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> MmapFile for Dev<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        let prot = ctx.vm_page_prot().noncached();
        ctx.without_faults::<Mixed>()?.fill_at_pgoff(&self.pages)
    }
}

fn main() {}
