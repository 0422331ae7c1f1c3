//! G9: A mapping gets a second state.
//! At: `Ok(ctx.establish(`
//! Write instead: `choose the kind once`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

struct Ops<P: Platform>(P::Page);

impl<P: Platform> VmOperations for Ops<P> {
    type Platform = P;
    type Kind = Mixed;
}

impl<P: Platform> MmapFile for Dev<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        let ctx = ctx.establish(Ops(self.pages[0].clone()))?;
        Ok(ctx.establish(Ops(self.pages[1].clone()))?.fill_later())
    }
}

fn main() {}
