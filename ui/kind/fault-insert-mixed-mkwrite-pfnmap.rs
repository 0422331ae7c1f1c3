//! G9: a writable frame that may have a page behind it in a fault of a `PfnMap` mapping.
use vmctx::{FaultCtx, Frame, PfnMap, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, PfnMap>, frame: Frame<'f, P>) -> VmFault<'f> {
    ctx.insert_mixed_mkwrite(frame)
}

fn main() {}
