//! G1, G8: filling the whole mapping from a fault, whatever the offset says.
use vmctx::{FaultCtx, Mixed, Platform, VmFault};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>, pages: &[P::Page]) -> VmFault<'f> {
    ctx.fill_from_first(pages)
}

fn main() {}
