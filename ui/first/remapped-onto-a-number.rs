//! G13: A range is remapped onto the number of its first frame.
//! At: `remap_from_first(`
//! Write instead: `source.range(at, count)`
use vmctx::*;

struct Dev<P: Platform> {
    bar: P::Iomem,
}

impl<P: Platform> MmapFile for Dev<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        ctx.without_faults::<Remapped>()?.remap_from_first(0xfd00_0000_u64 >> 12)
    }
}

fn main() {}
