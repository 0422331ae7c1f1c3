//! G7: the token for a first store to a frame, out of nothing.
use vmctx::{Mixed, PfnMkwriteCtx, Platform};

fn forge<'f, P: Platform>() -> PfnMkwriteCtx<'f, P, Mixed> {
    Default::default()
}

fn main() {}
