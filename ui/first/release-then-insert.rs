//! G12: The lock is given up, and the fault served all the same.
//! At: `ctx.insert_page(page)`
//! Write instead: `match ctx.release()`
//! Missing: A
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        let Some(page) = ctx.pgoff().of(&self.pages) else { return ctx.fail(Errno::ENXIO) };
        ctx.release();
        ctx.insert_page(page)
    }
}

fn main() {}
