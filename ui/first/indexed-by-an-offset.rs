//! G10: A page is looked up by its offset as by a number.
//! At: `&self.pages[ctx.pgoff()]`
//! Write instead: `ctx.pgoff().of(&pages)`
//! Missing: C
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        let page = &self.pages[ctx.pgoff()];
        ctx.insert_page(page)
    }
}

fn main() {}
