//! G19: Flags are set by their names in C.
//! At: `ctx.vm_flags_set(`
//! Write instead: `ctx.io()`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> MmapFile for Dev<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        let ctx = ctx.vm_flags_set(VM_IO | VM_DONTDUMP);
        ctx.without_faults::<Mixed>()?.fill_at_pgoff(&self.pages)
    }
}

fn main() {}
