//! G8: neighbours filled for a debugger.
use vmctx::{AccessCtx, Accessed, Errno, Frame, PfnMap, Platform};

fn access<'a, P: Platform>(ctx: AccessCtx<'a, P, PfnMap>, frame: Frame<'a, P>) -> Result<Accessed<'a>, Errno> {
    ctx.prefault_pfn(ctx.pgoff(), frame)
}

fn main() {}
