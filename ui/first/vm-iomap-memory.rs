//! G8: A region is mapped by the name that this has in C.
//! At: `ctx.vm_iomap_memory(range)`
//! Write instead: `.remap_at_pgoff(frames)`
use vmctx::*;

struct Dev<P: Platform> {
    bar: P::Iomem,
}

impl<P: Platform> MmapFile for Dev<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        let range = self.bar.range(PageOffset::ZERO, ctx.page_count()).ok_or(Errno::EINVAL)?;
        ctx.vm_iomap_memory(range)
    }
}

fn main() {}
