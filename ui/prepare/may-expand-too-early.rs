//! G25, G20: whether a mapping may grow is said when its kind is known.
use vmctx::{Errno, Mixed, Platform, PrepareCtx, Prepared};

fn mmap_prepare<'m, P: Platform>(ctx: PrepareCtx<'m, P>) -> Result<Prepared<'m, P, Mixed>, Errno> {
    ctx.writable().may_expand().by_faults()
}

fn main() {}
