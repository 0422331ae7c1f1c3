//! G25, G24: which object the mapping shows is said before it is said how it is filled.
use vmctx::{Errno, Mixed, Platform, PrepareCtx, Prepared, SharedObject};

fn mmap_prepare<'m, P: Platform>(
    ctx: PrepareCtx<'m, P>,
    object: &SharedObject<P>,
) -> Result<Prepared<'m, P, Mixed>, Errno> {
    ctx.by_faults()?.rebase(object)
}

fn main() {}
