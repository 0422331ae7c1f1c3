//! G21, G27: a part is not a frame: ask it for one.
use vmctx::{FaultCtx, IomemPart, PfnMap, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, PfnMap>, registers: &'f IomemPart<P>) -> VmFault<'f> {
    ctx.insert_pfn(registers)
}

fn main() {}
