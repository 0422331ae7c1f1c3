//! G25: a state is not made in a closure of a prepare hook's either.
use vmctx::{Errno, Mixed, Platform, PrepareCtx, Prepared, WithoutFaults};

fn mmap_prepare<'m, P: Platform>(ctx: PrepareCtx<'m, P>) -> Result<Prepared<'m, P, Mixed>, Errno> {
    ctx.establish_with(|_| Ok(WithoutFaults::<P, Mixed>::new()))
}

fn main() {}
