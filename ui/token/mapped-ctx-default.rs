//! G7: a locked mapping, out of nothing.
use vmctx::{MappedCtx, Mixed, Platform};

fn forge<'l, P: Platform>() -> MappedCtx<'l, P, Mixed> {
    Default::default()
}

fn main() {}
