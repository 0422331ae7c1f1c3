//! G8: one frame does not fill a large entry, with a page behind it or not.
use vmctx::{Frame, HugeFaultCtx, Mixed, Platform, VmFault};

fn huge_fault<'f, P: Platform>(ctx: HugeFaultCtx<'f, P, Mixed>, frame: Frame<'f, P>) -> VmFault<'f> {
    ctx.insert_mixed(frame)
}

fn main() {}
