//! G2: fault-around without a fault.
use vmctx::{Frame, Mixed, MmapCtx, PageOffset, Platform};

fn fill<'m, P: Platform>(ctx: &mut MmapCtx<'m, P, Mixed>, at: PageOffset, frame: Frame<'m, P>) {
    ctx.prefault_mixed(at, frame);
}

fn main() {}
