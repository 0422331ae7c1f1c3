//! G7: a token out of nothing.
use vmctx::{Mixed, MmapCtx, Platform};

fn forge<'m, P: Platform>() -> MmapCtx<'m, P, Mixed> {
    MmapCtx::default()
}

fn main() {}
