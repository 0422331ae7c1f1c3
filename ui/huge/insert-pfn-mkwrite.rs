//! G8: one frame does not fill a large entry, writable at once or not.
use vmctx::{Frame, HugeFaultCtx, PfnMap, Platform, VmFault};

fn huge_fault<'f, P: Platform>(ctx: HugeFaultCtx<'f, P, PfnMap>, frame: Frame<'f, P>) -> VmFault<'f> {
    ctx.insert_pfn_mkwrite(frame)
}

fn main() {}
