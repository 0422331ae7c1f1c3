//! G1: The fault hook answers as the mmap hook does.
//! At: `Result<(), Errno>`
//! Write instead: `VmFault<'f>`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> Result<(), Errno> {
        Err(Errno::EFAULT)
    }
}

fn main() {}
