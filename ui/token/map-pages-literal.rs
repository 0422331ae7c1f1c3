//! G7: the token for pages at hand, made up field by field.
use vmctx::{MapPagesCtx, Mixed, Platform};

fn forge<'f, P: Platform>() -> MapPagesCtx<'f, P, Mixed> {
    MapPagesCtx {}
}

fn main() {}
