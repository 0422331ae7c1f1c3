//! G7: a locked mapping, made up field by field.
use vmctx::{EstablishedCtx, Mixed, Platform};

fn forge<'l, P: Platform>() -> EstablishedCtx<'l, P, Mixed> {
    EstablishedCtx {}
}

fn main() {}
