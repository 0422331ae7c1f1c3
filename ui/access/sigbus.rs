//! G3: a debugger gets no code of a fault's.
use vmctx::{AccessCtx, Accessed, Errno, PfnMap, Platform};

fn access<'a, P: Platform>(ctx: AccessCtx<'a, P, PfnMap>) -> Result<Accessed<'a>, Errno> {
    ctx.sigbus()
}

fn main() {}
