//! G7: the token for pages at hand, out of nothing.
use vmctx::{MapPagesCtx, Mixed, Platform};

fn forge<'f, P: Platform>() -> MapPagesCtx<'f, P, Mixed> {
    Default::default()
}

fn main() {}
