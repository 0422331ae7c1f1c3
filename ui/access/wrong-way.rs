//! G19: `memcpy` with its arguments the wrong way round.
use vmctx::{AccessCtx, Accessed, Direction, Errno, PfnMap, Platform};

fn access<'a, P: Platform>(ctx: AccessCtx<'a, P, PfnMap>, store: &mut [u8]) -> Result<Accessed<'a>, Errno> {
    match ctx.direction() {
        Direction::Read(into) => Ok(into.copy_to_slice(store)),
        Direction::Write(from) => Ok(from.copy_to_slice(store)),
    }
}

fn main() {}
