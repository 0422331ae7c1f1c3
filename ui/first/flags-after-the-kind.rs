//! G9: Flags are set when the kind is chosen already, one after the other.
//! At: `ctx.noncached()`
//! Write instead: `above `ctx.establish(..)?``
use vmctx::*;

struct Dev<P: Platform> {
    bar: P::Iomem,
}

impl<P: Platform> MmapFile for Dev<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        let ctx = ctx.without_faults::<PfnMap>()?;
        let range = self.bar.range(ctx.pgoff(), ctx.page_count()).ok_or(Errno::EINVAL)?;
        ctx.noncached().dont_copy().remap(range)?.finish()
    }
}

fn main() {}
