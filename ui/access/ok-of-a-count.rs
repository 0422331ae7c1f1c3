//! G19: a count in the place of what was copied.
use vmctx::{AccessCtx, Accessed, Errno, PfnMap, Platform};

fn access<'a, P: Platform>(ctx: AccessCtx<'a, P, PfnMap>) -> Result<Accessed<'a>, Errno> {
    Ok(ctx.len())
}

fn main() {}
