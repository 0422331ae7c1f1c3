//! G7: The state of a mapping is changed by its fault hook.
//! At: `&'f mut self`
//! Write instead: `fn(&'f Dev<P>`
use vmctx::*;

struct Dev<P: Platform> {
    touched: usize,
    pages: Vec<P::Page>,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f mut self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        self.touched += 1;
        ctx.insert_page(&self.pages[0])
    }
}

fn main() {}
