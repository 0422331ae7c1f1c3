//! G7: a token made up field by field.
use vmctx::{Mixed, MmapCtx, Platform};

fn forge<'m, P: Platform>() -> MmapCtx<'m, P, Mixed> {
    MmapCtx { filled: 0, len: 1 }
}

fn main() {}
