//! G8: the answer of a fault, to a debugger.
use vmctx::{AccessCtx, Accessed, Errno, PfnMap, Platform};

fn access<'a, P: Platform>(ctx: AccessCtx<'a, P, PfnMap>) -> Result<Accessed<'a>, Errno> {
    ctx.fail(Errno::EIO)
}

fn main() {}
