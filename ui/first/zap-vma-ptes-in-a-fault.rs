//! G14: A fault takes pages away by the name that this has in C.
//! At: `ctx.zap_vma_ptes(`
//! Write instead: `handle.lock(unlocked)?.zap(first, count)`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        let Some(page) = ctx.pgoff().of(&self.pages) else { return ctx.fail(Errno::ENXIO) };
        ctx.zap_vma_ptes(ctx.pgoff(), PageCount::new(1));
        ctx.insert_page(page)
    }
}

fn main() {}
