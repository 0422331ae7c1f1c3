//! G25: nor does it lock one by its handle, which needs the proof that no hook runs.
use vmctx::{Errno, Handle, Mixed, Platform, PrepareCtx, Prepared};

fn mmap_prepare<'m, P: Platform>(
    mut ctx: PrepareCtx<'m, P>,
    other: &Handle<P, Mixed>,
) -> Result<Prepared<'m, P, Mixed>, Errno> {
    other.lock(&mut ctx)?;
    ctx.by_faults()
}

fn main() {}
