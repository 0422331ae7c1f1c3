//! G8: the cache attribute of the whole mapping, changed from a fault.
use vmctx::{FaultCtx, Frame, PfnMap, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, PfnMap>, frame: Frame<'f, P>) -> VmFault<'f> {
    ctx.write_combine().insert_pfn(frame)
}

fn main() {}
