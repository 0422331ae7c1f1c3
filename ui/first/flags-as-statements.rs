//! G19: Flags are set one after the other, and what comes back is left.
//! At: `Ok(ctx.without_faults::<PfnMap>()?.fill_later())`
//! Write instead: `let ctx = ctx.noncached();`
//! Missing: A
use vmctx::*;

struct Dev<P: Platform> {
    bar: P::Iomem,
}

impl<P: Platform> MmapFile for Dev<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        ctx.noncached();
        Ok(ctx.without_faults::<PfnMap>()?.fill_later())
    }
}

fn main() {}
