//! G9: A frame is inserted into a mapping of which nothing is decided.
//! At: `ctx.insert_pfn(frame)?`
//! Write instead: `ctx.without_faults::<PfnMap>()?`
use vmctx::*;

struct Dev<P: Platform> {
    bar: P::Iomem,
}

impl<P: Platform> MmapFile for Dev<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        let frame = self.bar.frame(ctx.pgoff()).ok_or(Errno::EINVAL)?;
        ctx.insert_pfn(frame)?.finish()
    }
}

fn main() {}
