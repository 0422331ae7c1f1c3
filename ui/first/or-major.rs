//! G4: MAJOR is added to the answer.
//! At: `| VM_FAULT_MAJOR`
//! Write instead: `ctx.account_major()`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        let Some(page) = ctx.pgoff().of(&self.pages) else { return ctx.fail(Errno::ENXIO) };
        ctx.insert_page(page) | VM_FAULT_MAJOR
    }
}

fn main() {}
