//! G3: A fault fails with the number of an errno.
//! At: `ctx.fail(14)`
//! Write instead: `ctx.fail(Errno::ENXIO)`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        ctx.fail(14)
    }
}

fn main() {}
