//! G9: A state that is shared is given as if it were not.
//! At: `ctx.establish(self.shared.clone())`
//! Write instead: `ctx.establish_shared`
use vmctx::*;

struct Dev<P: Platform> {
    shared: P::Ref<Ops<P>>,
}

struct Ops<P: Platform>(P::Page);

impl<P: Platform> VmOperations for Ops<P> {
    type Platform = P;
    type Kind = Mixed;
}

impl<P: Platform> MmapFile for Dev<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.establish(self.shared.clone())?.fill_later())
    }
}

fn main() {}
