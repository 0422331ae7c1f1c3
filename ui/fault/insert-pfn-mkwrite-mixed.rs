//! G8, G9: the same in a `Mixed` mapping.
use vmctx::{FaultCtx, Frame, Mixed, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>, frame: Frame<'f, P>) -> VmFault<'f> {
    ctx.insert_pfn_mkwrite(frame)
}

fn main() {}
