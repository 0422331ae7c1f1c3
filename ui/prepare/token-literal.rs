//! G25, G7: a token is not made up.
use vmctx::{Errno, Mixed, Platform, PrepareCtx, Prepared};

fn mmap_prepare<'m, P: Platform>() -> Result<Prepared<'m, P, Mixed>, Errno> {
    PrepareCtx { said: 0 }.by_faults()
}

fn main() {}
