//! G4: A code stands alone, as in C.
//! At: `return VM_FAULT_SIGBUS`
//! Write instead: `ctx.fail(errno)`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        if self.pages.is_empty() {
            return VM_FAULT_SIGBUS;
        }
        ctx.insert_page(&self.pages[0])
    }
}

fn main() {}
