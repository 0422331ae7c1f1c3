//! G10: An offset is compared with the number of pages.
//! At: `ctx.pgoff() >= self.pages.len()`
//! Write instead: `offset.index() <`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        if ctx.pgoff() >= self.pages.len() {
            return ctx.fail(Errno::ENXIO);
        }
        ctx.insert_page(&self.pages[0])
    }
}

fn main() {}
