//! G25: a prepare hook refuses with an errno, as a mmap hook does.
use vmctx::{Errno, Normal, Platform, PrepareCtx, Prepared};

fn mmap_prepare<'m, P: Platform>(ctx: PrepareCtx<'m, P>) -> Result<Prepared<'m, P, Normal>, Errno> {
    ctx.fail(Errno::ENXIO)
}

fn main() {}
