//! G25: a prepare hook makes no state.
use vmctx::{Errno, FaultCtx, Mixed, Platform, PrepareCtx, Prepared, VmFault, VmOperations};

struct Ring<P: Platform>(P::Page);

impl<P: Platform> VmOperations for Ring<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        ctx.insert_page(&self.0)
    }
}

fn mmap_prepare<'m, P: Platform>(ctx: PrepareCtx<'m, P>, page: P::Page) -> Result<Prepared<'m, P, Mixed>, Errno> {
    ctx.writable().establish(Ring::<P>(page))?.by_faults()
}

fn main() {}
