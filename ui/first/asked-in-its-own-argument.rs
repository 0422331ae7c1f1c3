//! G5: The token is asked in the argument of what spends it.
//! At: `ctx.insert_page(&self.pages[ctx.pgoff().index()])`
//! Write instead: `ctx.insert_page_with`
//! Missing: A, C
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, mut ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        for at in ctx.pgoff_range() {
            ctx.prefault_page(at, &self.pages[at.index()]);
        }
        ctx.insert_page(&self.pages[ctx.pgoff().index()])
    }
}

fn main() {}
