//! G10: Which page is missing is read as a field.
//! At: `let at = ctx.pgoff;`
//! Write instead: `ctx.pgoff()`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        let at = ctx.pgoff;
        ctx.insert_page_with(|_| at.of(&self.pages).ok_or(Errno::ENXIO))
    }
}

fn main() {}
