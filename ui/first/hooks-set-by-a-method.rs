//! G9: The hooks are set, as bindings of C would have it.
//! At: `ctx.set_vm_ops(self);`
//! Write instead: `ctx.establish(state)?`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> MmapFile for Dev<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        ctx.set_vm_ops(self);
        Ok(ctx.without_faults::<Mixed>()?.fill_later())
    }
}

fn main() {}
