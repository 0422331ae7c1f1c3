//! G7: the token for a first store to a frame, made up field by field.
use vmctx::{Mixed, PfnMkwriteCtx, Platform};

fn forge<'f, P: Platform>() -> PfnMkwriteCtx<'f, P, Mixed> {
    PfnMkwriteCtx {}
}

fn main() {}
