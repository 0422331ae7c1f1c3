//! G1: A second insertion is chained to the first.
//! At: `.and_then(`
//! Write instead: `answer.is_error()`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        let Some(page) = ctx.pgoff().of(&self.pages) else { return ctx.fail(Errno::ENXIO) };
        ctx.insert_page(page).and_then(|answer| answer)
    }
}

fn main() {}
