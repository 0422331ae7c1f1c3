//! G5: A fault hook returns without an answer.
//! At: `return;`
//! Write instead: `ctx.fail(errno)`
//! Missing: C, E
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        if self.pages.is_empty() {
            return;
        }
        ctx.insert_page(&self.pages[0])
    }
}

fn main() {}
