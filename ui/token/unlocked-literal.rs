//! G7: the proof that no hook is running, made up field by field.
use vmctx::{Platform, UnlockedCtx};

fn forge<'l, P: Platform>() -> UnlockedCtx<'l, P> {
    UnlockedCtx {}
}

fn main() {}
