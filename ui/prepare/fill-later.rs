//! G25: what a mmap hook says of empty slots, a prepare hook says of all.
use vmctx::{Errno, Mixed, Platform, PrepareCtx, Prepared};

fn mmap_prepare<'m, P: Platform>(ctx: PrepareCtx<'m, P>) -> Result<Prepared<'m, P, Mixed>, Errno> {
    Ok(ctx.writable().fill_later())
}

fn main() {}
