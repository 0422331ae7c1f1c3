//! G10: A loop walks from one offset to another.
//! At: `for at in first..end`
//! Write instead: `PageRange`
//! Missing: C, E
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, mut ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        let first = ctx.pgoff();
        let end = PageOffset::new(self.pages.len());
        for at in first..end {
            ctx.prefault_page(at, &self.pages[at.index()]);
        }
        ctx.insert_page(&self.pages[0])
    }
}

fn main() {}
