//! G10: An index is calculated from two addresses.
//! At: `ctx.address() - ctx.vm_start()`
//! Write instead: `ctx.pgoff()`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        let index = (ctx.address() - ctx.vm_start()) >> 12;
        ctx.insert_page(&self.pages[index])
    }
}

fn main() {}
