//! G10: The next page is the offset plus one.
//! At: `ctx.pgoff() + 1`
//! Write instead: `offset.checked_add(PageCount::new(1))`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, mut ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        let next = ctx.pgoff() + 1;
        ctx.prefault_page(next, &self.pages[0]);
        ctx.insert_page(&self.pages[1])
    }
}

fn main() {}
