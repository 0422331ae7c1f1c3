//! G1: An insertion is tried with `?`, and NOPAGE returned.
//! At: `ctx.insert_page(page)?`
//! Write instead: `ctx.insert_page_with`
//! Missing: A, C, D, E
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        let Some(page) = ctx.pgoff().of(&self.pages) else { return ctx.fail(Errno::ENXIO) };
        ctx.insert_page(page)?;
        VmFault::NOPAGE
    }
}

fn main() {}
