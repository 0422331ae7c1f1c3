//! G13: A page is inserted as if it were a frame.
//! At: `ctx.insert_mixed(page)`
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
        ctx.insert_mixed(page)
    }
}

fn main() {}
