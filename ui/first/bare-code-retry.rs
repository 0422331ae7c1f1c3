//! G12: A fault is to be retried, with its lock held.
//! At: `return VM_FAULT_RETRY`
//! Write instead: `match ctx.release()`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        if self.pages.is_empty() {
            return VM_FAULT_RETRY;
        }
        ctx.insert_page(&self.pages[0])
    }
}

fn main() {}
