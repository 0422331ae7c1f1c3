//! G7: a locked mapping, out of nothing.
use vmctx::{EstablishedCtx, Mixed, Platform};

fn forge<'l, P: Platform>() -> EstablishedCtx<'l, P, Mixed> {
    Default::default()
}

fn main() {}
