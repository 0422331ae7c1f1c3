//! G19: Whether it may be written is asked of a token that cannot change.
//! At: `if ctx.is_writable() {`
//! Write instead: `mut ctx`
use vmctx::*;

struct Dev<P: Platform> {
    bar: P::Iomem,
}

impl<P: Platform> MmapFile for Dev<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        if ctx.is_writable() {
            return Err(Errno::EPERM);
        }
        Ok(ctx.without_faults::<PfnMap>()?.fill_later())
    }
}

fn main() {}
