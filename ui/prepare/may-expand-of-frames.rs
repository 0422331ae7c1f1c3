//! G25, G20: only a `Mixed` mapping grows.
use vmctx::{Errno, PfnMap, Platform, PrepareCtx, Prepared};

fn mmap_prepare<'m, P: Platform>(ctx: PrepareCtx<'m, P>) -> Result<Prepared<'m, P, PfnMap>, Errno> {
    Ok(ctx.by_faults()?.may_expand())
}

fn main() {}
