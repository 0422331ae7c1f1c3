//! G19: A flag is set in the VMA.
//! At: `ctx.vm_flags |= VM_IO;`
//! Write instead: `ctx.io()`
use vmctx::*;

struct Dev<P: Platform> {
    bar: P::Iomem,
}

impl<P: Platform> MmapFile for Dev<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, mut ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        ctx.vm_flags |= VM_IO;
        Ok(ctx.without_faults::<PfnMap>()?.fill_later())
    }
}

fn main() {}
