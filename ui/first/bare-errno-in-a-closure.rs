//! G3: The closure of an insertion fails with an errno that stands alone.
//! At: `ok_or(ENXIO)`
//! Write instead: `Errno::`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        ctx.insert_page_with(|at| at.pgoff().of(&self.pages).ok_or(ENXIO))
    }
}

fn main() {}
