//! G7: the proof that no hook is running, out of nothing.
use vmctx::{Platform, UnlockedCtx};

fn forge<'l, P: Platform>() -> UnlockedCtx<'l, P> {
    Default::default()
}

fn main() {}
