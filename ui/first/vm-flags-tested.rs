//! G19: A mmap hook tests the flag for writing.
//! At: `ctx.vm_flags() & VM_WRITE`
//! Write instead: `ctx.is_writable()`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> MmapFile for Dev<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        if ctx.vm_flags() & VM_WRITE != 0 {
            return Err(Errno::EPERM);
        }
        ctx.without_faults::<Mixed>()?.fill_at_pgoff(&self.pages)
    }
}

fn main() {}
