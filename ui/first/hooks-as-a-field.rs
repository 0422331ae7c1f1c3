//! G9: The hooks are stored into the VMA.
//! At: `ctx.vm_ops = self;`
//! Write instead: `ctx.establish(state)?`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> MmapFile for Dev<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, mut ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        ctx.vm_ops = self;
        Ok(ctx.without_faults::<Mixed>()?.fill_later())
    }
}

fn main() {}
