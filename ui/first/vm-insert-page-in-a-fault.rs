//! G1: A page is inserted in a fault by the name that this has in C.
//! At: `ctx.vm_insert_page(page)`
//! Write instead: `ctx.insert_page(&page)`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        let Some(page) = ctx.pgoff().of(&self.pages) else { return ctx.fail(Errno::ENXIO) };
        ctx.vm_insert_page(page)
    }
}

fn main() {}
