//! G9: a large entry from one frame.
use vmctx::{Frame, HugeFaultCtx, PfnMap, Platform, VmFault};

fn huge_fault<'f, P: Platform>(ctx: HugeFaultCtx<'f, P, PfnMap>, frame: Frame<'f, P>) -> VmFault<'f> {
    ctx.insert_huge_with(|_, _| Some(frame))
}

fn main() {}
