//! G5: The lifetimes of the hook are left to rustc.
//! At: `ctx.insert_page(&self.pages[0])`
//! Write instead: `FaultCtx<'f, P, Mixed>`
//! Missing: A, C, D
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault(&self, ctx: FaultCtx<P, Mixed>) -> VmFault {
        ctx.insert_page(&self.pages[0])
    }
}

fn main() {}
