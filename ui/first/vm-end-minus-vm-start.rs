//! G10: The length of the mapping is calculated from its addresses.
//! At: `ctx.vm_end() - ctx.vm_start()`
//! Write instead: `ctx.page_count()`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> MmapFile for Dev<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        let size = ctx.vm_end() - ctx.vm_start();
        if size > self.pages.len() * 4096 {
            return Err(Errno::EINVAL);
        }
        ctx.without_faults::<Mixed>()?.fill_at_pgoff(&self.pages)
    }
}

fn main() {}
