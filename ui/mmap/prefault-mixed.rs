//! G2: fault-around without a fault.
use vmctx::{Frame, Mixed, MmapCtx, PageOffset, Platform};

fn fill<P: Platform>(ctx: &mut MmapCtx<'_, P, Mixed>, at: PageOffset, frame: Frame<'_, P>) {
    ctx.prefault_mixed(at, frame);
}

fn main() {}
