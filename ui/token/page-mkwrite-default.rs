//! G7: the token for a first store, out of nothing.
use vmctx::{Mixed, PageMkwriteCtx, Platform};

fn forge<'f, P: Platform>() -> PageMkwriteCtx<'f, P, Mixed> {
    Default::default()
}

fn main() {}
