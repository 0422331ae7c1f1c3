//! G7: a token out of nothing.
use vmctx::{FaultCtx, Mixed, Platform};

fn forge<'f, P: Platform>() -> FaultCtx<'f, P, Mixed> {
    Default::default()
}

fn main() {}
