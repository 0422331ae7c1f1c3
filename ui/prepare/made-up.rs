//! G25: a prepare hook's success is not made up.
use core::marker::PhantomData;

use vmctx::{Errno, Mixed, Platform, PrepareCtx, Prepared};

fn mmap_prepare<'m, P: Platform>(_ctx: PrepareCtx<'m, P>) -> Result<Prepared<'m, P, Mixed>, Errno> {
    Ok(Prepared { kind: PhantomData })
}

fn main() {}
