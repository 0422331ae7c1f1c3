//! G13: A range is remapped that the memory may not have.
//! At: `remap_from_first(range)`
//! Write instead: `source.range(at, count)`
use vmctx::*;

struct Dev<P: Platform> {
    bar: P::Iomem,
}

impl<P: Platform> MmapFile for Dev<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        let range = self.bar.range(PageOffset::ZERO, ctx.page_count());
        ctx.without_faults::<Remapped>()?.remap_from_first(range)
    }
}

fn main() {}
