//! G7: a token made up field by field.
use vmctx::{FaultCtx, Mixed, Platform};

fn forge<'f, P: Platform>() -> FaultCtx<'f, P, Mixed> {
    FaultCtx {}
}

fn main() {}
