//! G10: A page is inserted at the address that the fault has.
//! At: `vmf_insert_page(ctx.vma, ctx.address, page)`
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
        vmf_insert_page(ctx.vma, ctx.address, page)
    }
}

fn main() {}
