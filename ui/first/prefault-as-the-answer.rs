//! G11: The last of some prefaults is taken for the answer.
//! At: `last = ctx.prefault_page`
//! Write instead: `ctx.insert_page`
//! Missing: A, C
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, mut ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        let at = ctx.pgoff().index();
        let mut last = ctx.fail(Errno::EFAULT);
        for i in 0..16 {
            last = ctx.prefault_page(PageOffset::new(at + i), &self.pages[i]);
        }
        last
    }
}

fn main() {}
