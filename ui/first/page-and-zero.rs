//! G4: The page is put into the fault, and zero returned, as in C.
//! At: `ctx.page = page`
//! Write instead: `ctx.deliver(page)`
//! Missing: D
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = Normal;

    fn fault<'f>(&'f self, mut ctx: FaultCtx<'f, P, Normal>) -> VmFault<'f> {
        let page = self.pages[0].clone();
        ctx.page = page;
        0
    }
}

fn main() {}
