//! G9: a locked page handed back from a fault of a `PfnMap` mapping.
use vmctx::{FaultCtx, LockedPage, PfnMap, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, PfnMap>, page: LockedPage<'f, P>) -> VmFault<'f> {
    ctx.deliver_locked(page)
}

fn main() {}
