//! G14: A fault takes other pages away.
//! At: `ctx.zap(`
//! Write instead: `object.unmap_once(first, count, may_sleep)`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        let Some(page) = ctx.pgoff().of(&self.pages) else { return ctx.fail(Errno::ENXIO) };
        ctx.zap(PageOffset::ZERO, PageCount::new(16));
        ctx.insert_page(page)
    }
}

fn main() {}
