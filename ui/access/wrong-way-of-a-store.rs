//! G19: the other way round.
use vmctx::{AccessCtx, Accessed, Direction, Errno, PfnMap, Platform};

fn access<'a, P: Platform>(ctx: AccessCtx<'a, P, PfnMap>, store: &[u8]) -> Result<Accessed<'a>, Errno> {
    match ctx.direction() {
        Direction::Read(into) => Ok(into.copy_from_slice(store)),
        Direction::Write(from) => Ok(from.copy_from_slice(store)),
    }
}

fn main() {}
