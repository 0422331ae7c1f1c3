//! G9: The operations say nothing of the kind.
//! At: `impl<P: Platform> VmOperations`
//! Write instead: `type Kind =`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        ctx.insert_page(&self.pages[0])
    }
}

fn main() {}
