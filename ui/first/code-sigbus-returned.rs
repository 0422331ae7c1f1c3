//! G4: A code is returned as it is in C.
//! At: `return VmFault::SIGBUS`
//! Write instead: `ctx.fail(errno)`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        if ctx.pgoff().index() >= self.pages.len() {
            return VmFault::SIGBUS;
        }
        ctx.insert_page(&self.pages[0])
    }
}

fn main() {}
