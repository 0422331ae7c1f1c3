//! G1: The fault hook answers with a number.
//! At: `-> i32`
//! Write instead: `VmFault<'f>`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> i32 {
        -14
    }
}

fn main() {}
