//! G3: An answer is made of an errno.
//! At: `VmFault::new(Errno::EFAULT)`
//! Write instead: `ctx.fail(errno)`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        VmFault::new(Errno::EFAULT)
    }
}

fn main() {}
