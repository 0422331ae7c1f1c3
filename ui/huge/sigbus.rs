//! G3: a large fault fails with an errno, not with a code.
use vmctx::{HugeFaultCtx, PfnMap, Platform, VmFault};

fn huge_fault<'f, P: Platform>(ctx: HugeFaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
    ctx.sigbus()
}

fn main() {}
