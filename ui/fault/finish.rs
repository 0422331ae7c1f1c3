//! G1, G8: ending a fault as a mmap hook ends.
use vmctx::{FaultCtx, Mixed, Platform};

fn fault<P: Platform>(ctx: FaultCtx<'_, P, Mixed>) {
    let _ = ctx.finish();
}

fn main() {}
