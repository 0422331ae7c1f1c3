//! G9: A page is inserted where pages are handed back.
//! At: `ctx.insert_page(page)`
//! Write instead: `ctx.deliver(page)`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = Normal;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Normal>) -> VmFault<'f> {
        let Some(page) = ctx.pgoff().of(&self.pages) else { return ctx.fail(Errno::ENXIO) };
        ctx.insert_page(page)
    }
}

fn main() {}
