//! G9: A state in an `Arc` is given as if it were the state.
//! At: `ctx.establish(self.arc.clone())`
//! Write instead: `ctx.establish_shared`
use vmctx::*;

struct Dev<P: Platform> {
    arc: std::sync::Arc<Ops<P>>,
}

struct Ops<P: Platform>(P::Page);

impl<P: Platform> VmOperations for Ops<P> {
    type Platform = P;
    type Kind = Mixed;
}

impl<P: Platform> MmapFile for Dev<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.establish(self.arc.clone())?.fill_later())
    }
}

fn main() {}
