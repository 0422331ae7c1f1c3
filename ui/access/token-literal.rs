//! G7: a token made up.
use vmctx::{AccessCtx, PfnMap, Platform};

fn make<P: Platform>(len: usize) -> AccessCtx<'static, P, PfnMap> {
    AccessCtx { address: 0, len, is_write: false }
}

fn main() {}
