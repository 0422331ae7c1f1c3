//! G8, G19: the grant that users may write, from a huge fault.
use vmctx::{HugeFaultCtx, PfnMap, Platform, VmFault};

fn huge_fault<'f, P: Platform>(ctx: HugeFaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
    ctx.writable().fallback()
}

fn main() {}
