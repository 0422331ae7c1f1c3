//! G1, G7: a fault's token turned into one whose insertions give `Result`.
use vmctx::{FaultCtx, Mixed, MmapCtx, Platform};

fn forge<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>) -> MmapCtx<'f, P, Mixed> {
    MmapCtx::from(ctx)
}

fn main() {}
