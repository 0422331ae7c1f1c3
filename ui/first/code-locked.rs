//! G12: A page is locked, and the code returned.
//! At: `VmFault::LOCKED`
//! Write instead: `ctx.deliver_locked`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = Normal;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Normal>) -> VmFault<'f> {
        let Some(page) = ctx.pgoff().of(&self.pages) else { return ctx.fail(Errno::ENXIO) };
        let _locked = ctx.lock_page(page);
        VmFault::LOCKED
    }
}

fn main() {}
