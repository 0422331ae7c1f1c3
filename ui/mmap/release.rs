//! G2, G12: a mmap hook keeps its lock.
use vmctx::{MmapCtx, Platform};

fn mmap<P: Platform>(ctx: MmapCtx<'_, P>) {
    let _ = ctx.release();
}

fn main() {}
