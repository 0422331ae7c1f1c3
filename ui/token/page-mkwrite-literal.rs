//! G7: the token for a first store, made up field by field.
use vmctx::{Mixed, PageMkwriteCtx, Platform};

fn forge<'f, P: Platform>() -> PageMkwriteCtx<'f, P, Mixed> {
    PageMkwriteCtx {}
}

fn main() {}
