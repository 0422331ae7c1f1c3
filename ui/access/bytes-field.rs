//! G19: the kernel's own memory, reached past what copies.
use vmctx::{AccessCtx, Accessed, Direction, Errno, PfnMap, Platform};

fn access<'a, P: Platform>(ctx: AccessCtx<'a, P, PfnMap>) -> Result<Accessed<'a>, Errno> {
    match ctx.direction() {
        Direction::Read(into) => Ok(into.into.fill(0)),
        Direction::Write(_) => Err(Errno::EIO),
    }
}

fn main() {}
