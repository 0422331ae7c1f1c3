//! G10: An offset is counted up in a loop.
//! At: `at += 1`
//! Write instead: `for at in`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, mut ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        let mut at = ctx.pgoff();
        for page in &self.pages {
            at += 1;
            ctx.prefault_page(at, page);
        }
        ctx.insert_page(&self.pages[0])
    }
}

fn main() {}
