//! G25, G9: faults do not fill a `Remapped` mapping.
use vmctx::{Errno, Platform, PrepareCtx, Prepared, Remapped};

fn mmap_prepare<'m, P: Platform>(ctx: PrepareCtx<'m, P>) -> Result<Prepared<'m, P, Remapped>, Errno> {
    ctx.by_faults()
}

fn main() {}
