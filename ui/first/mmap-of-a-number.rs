//! G1: The mmap hook answers with a number.
//! At: `-> i32`
//! Write instead: `Result<Mapped<'m>, Errno>`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> MmapFile for Dev<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> i32 {
        0
    }
}

fn main() {}
