//! G8: Registers are mapped by the name that this has in C.
//! At: `.io_remap_pfn_range(range)`
//! Write instead: `remap_from_first(frames)`
use vmctx::*;

struct Dev<P: Platform> {
    bar: P::Iomem,
}

impl<P: Platform> MmapFile for Dev<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        let range = self.bar.range(ctx.pgoff(), ctx.page_count()).ok_or(Errno::EINVAL)?;
        ctx.noncached().io_remap_pfn_range(range)
    }
}

fn main() {}
