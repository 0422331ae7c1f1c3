//! G10: One offset is subtracted from another.
//! At: `ctx.pgoff() - self.first`
//! Write instead: `offset.checked_since(first)`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
    first: PageOffset,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        let index = ctx.pgoff() - self.first;
        ctx.insert_page(&self.pages[index])
    }
}

fn main() {}
