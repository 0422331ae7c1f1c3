//! G7: the token for a large entry, out of nothing.
use vmctx::{HugeFaultCtx, Mixed, Platform};

fn forge<'f, P: Platform>() -> HugeFaultCtx<'f, P, Mixed> {
    Default::default()
}

fn main() {}
