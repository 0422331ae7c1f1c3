//! G7: the token for a large entry, made up field by field.
use vmctx::{HugeFaultCtx, Mixed, Platform};

fn forge<'f, P: Platform>() -> HugeFaultCtx<'f, P, Mixed> {
    HugeFaultCtx {}
}

fn main() {}
