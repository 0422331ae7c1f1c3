//! G7: a locked mapping, made up field by field.
use vmctx::{MappedCtx, Mixed, Platform};

fn forge<'l, P: Platform>() -> MappedCtx<'l, P, Mixed> {
    MappedCtx {}
}

fn main() {}
