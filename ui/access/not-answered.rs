//! G5: an access hook that copies and forgets the answer.
#![deny(unused_must_use)]
use vmctx::{AccessCtx, Accessed, Errno, PfnMap, Platform};

fn access<'a, P: Platform>(ctx: AccessCtx<'a, P, PfnMap>) -> Result<Accessed<'a>, Errno> {
    ctx.copy_mapped();
    Err(Errno::EIO)
}

fn main() {}
