//! G9: The state is stored into the VMA.
//! At: `ctx.vm_private_data = self;`
//! Write instead: `ctx.establish(state)?`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> MmapFile for Dev<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, mut ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        ctx.vm_private_data = self;
        Ok(ctx.without_faults::<Mixed>()?.fill_later())
    }
}

fn main() {}
