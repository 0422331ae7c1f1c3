//! G3: A fault returns an `Err`.
//! At: `return Err(Errno::ENXIO)`
//! Write instead: `ctx.fail(errno)`
//! Missing: A, C
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        if self.pages.is_empty() {
            return Err(Errno::ENXIO);
        }
        ctx.insert_page(&self.pages[0])
    }
}

fn main() {}
