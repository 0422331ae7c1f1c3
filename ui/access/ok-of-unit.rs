//! G19: success without a copy.
use vmctx::{AccessCtx, Accessed, Errno, PfnMap, Platform};

fn access<'a, P: Platform>(ctx: AccessCtx<'a, P, PfnMap>) -> Result<Accessed<'a>, Errno> {
    Ok(())
}

fn main() {}
