//! G3: A fault hook returns an errno.
//! At: `return Errno::EFAULT`
//! Write instead: `ctx.fail(errno)`
//! Missing: A, C
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        if ctx.pgoff().index() >= self.pages.len() {
            return Errno::EFAULT;
        }
        ctx.insert_page(&self.pages[0])
    }
}

fn main() {}
