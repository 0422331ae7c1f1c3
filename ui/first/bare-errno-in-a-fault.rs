//! G3: An errno stands alone, as in C.
//! At: `ctx.fail(EFAULT)`
//! Write instead: `Errno::`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        ctx.fail(EFAULT)
    }
}

fn main() {}
