//! G3: An errno is made an answer by the function of C.
//! At: `vmf_error(Errno::ENXIO)`
//! Write instead: `ctx.fail(errno)`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        if self.pages.is_empty() {
            return vmf_error(Errno::ENXIO);
        }
        ctx.insert_page(&self.pages[0])
    }
}

fn main() {}
