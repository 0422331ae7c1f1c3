//! G9: the zero page in a fault of a `PfnMap` mapping.
use vmctx::{FaultCtx, PfnMap, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
    ctx.insert_zero_page()
}

fn main() {}
