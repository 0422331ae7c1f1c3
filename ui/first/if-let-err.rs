//! G1: A fault looks for the errno of its insertion.
//! At: `if let Err(errno)`
//! Write instead: `ctx.insert_page_with`
//! Missing: A, C, D
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        let Some(page) = ctx.pgoff().of(&self.pages) else { return ctx.fail(Errno::ENXIO) };
        if let Err(errno) = ctx.insert_page(page) {
            return ctx.fail(errno);
        }
        VmFault::NOPAGE
    }
}

fn main() {}
