//! G25, G20: no described mapping grows, and nothing has to be forbidden.
use vmctx::{Errno, Mixed, Platform, PrepareCtx, Prepared};

fn mmap_prepare<'m, P: Platform>(ctx: PrepareCtx<'m, P>) -> Result<Prepared<'m, P, Mixed>, Errno> {
    ctx.dont_expand().by_faults()
}

fn main() {}
