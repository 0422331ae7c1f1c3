//! G25: a prepare hook reaches no other mapping.
use vmctx::{Errno, Mixed, Platform, PrepareCtx, Prepared, UserAddr, WithoutFaults};

fn mmap_prepare<'m, P: Platform>(mut ctx: PrepareCtx<'m, P>, at: UserAddr) -> Result<Prepared<'m, P, Mixed>, Errno> {
    ctx.find::<WithoutFaults<P, Mixed>>(at)?;
    ctx.by_faults()
}

fn main() {}
