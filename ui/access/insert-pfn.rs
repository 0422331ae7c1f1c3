//! G8: a frame inserted for a debugger: the user's page tables stay as they are.
use vmctx::{AccessCtx, Accessed, Errno, Frame, PfnMap, Platform};

fn access<'a, P: Platform>(ctx: AccessCtx<'a, P, PfnMap>, frame: Frame<'a, P>) -> Result<Accessed<'a>, Errno> {
    ctx.insert_pfn(frame)
}

fn main() {}
