//! G7: the kernel's buffer, taken twice.
use vmctx::{AccessCtx, Accessed, Direction, Errno, PfnMap, Platform};

fn access<'a, P: Platform>(ctx: AccessCtx<'a, P, PfnMap>, store: &[u8]) -> Result<Accessed<'a>, Errno> {
    if let Direction::Read(into) = ctx.direction() {
        return Ok(into.copy_from_slice(store));
    }
    ctx.copy_mapped()
}

fn main() {}
