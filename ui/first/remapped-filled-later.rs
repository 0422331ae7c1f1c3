//! G9: A mapping that faults cannot fill is left to them.
//! At: `fill_later()`
//! Write instead: `ctx.remap_from_first(frames)`
use vmctx::*;

struct Dev<P: Platform> {
    bar: P::Iomem,
}

impl<P: Platform> MmapFile for Dev<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.without_faults::<Remapped>()?.fill_later())
    }
}

fn main() {}
