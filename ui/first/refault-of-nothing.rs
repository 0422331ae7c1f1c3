//! G12: A fault is to be repeated although nothing has changed.
//! At: `ctx.refault()`
//! Write instead: `ctx.refault(waited)`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        if self.pages.is_empty() {
            return ctx.refault();
        }
        ctx.insert_page(&self.pages[0])
    }
}

fn main() {}
