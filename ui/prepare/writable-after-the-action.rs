//! G25, G19: writing is granted before it is said how the mapping is filled.
use vmctx::{Errno, Mixed, Platform, PrepareCtx, Prepared};

fn mmap_prepare<'m, P: Platform>(ctx: PrepareCtx<'m, P>) -> Result<Prepared<'m, P, Mixed>, Errno> {
    Ok(ctx.by_faults()?.writable())
}

fn main() {}
