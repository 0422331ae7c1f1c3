//! G8: `VM_IO` from a fault, which holds its lock for read.
use vmctx::{FaultCtx, Frame, PfnMap, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, PfnMap>, frame: Frame<'f, P>) -> VmFault<'f> {
    ctx.io().insert_pfn(frame)
}

fn main() {}
