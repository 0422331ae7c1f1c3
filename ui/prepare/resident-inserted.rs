//! G25, G22: a guard inserts in a fault, and nowhere else.
use vmctx::{Backing, Errno, Mixed, Platform, PrepareCtx, Prepared, Revocable};

fn mmap_prepare<'m, P: Platform, B: Backing<Platform = P>>(
    ctx: PrepareCtx<'m, P>,
    memory: &'m Revocable<P, B>,
) -> Result<Prepared<'m, P, Mixed>, Errno> {
    memory.resident(ctx.may_sleep()).insert(ctx)
}

fn main() {}
