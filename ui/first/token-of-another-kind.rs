//! G9: The hook is written for another kind than the mapping has.
//! At: `FaultCtx<'f, P, Mixed>`
//! Write instead: `FaultCtx<'f, P, vmctx::PfnMap>`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = PfnMap;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        ctx.insert_page(&self.pages[0])
    }
}

fn main() {}
