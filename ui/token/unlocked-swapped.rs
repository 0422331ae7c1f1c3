//! G7, G14: the proofs of two calls swapped.
use vmctx::{Platform, UnlockedCtx};

fn swap<'a, 'b: 'a, P: Platform>(a: &mut UnlockedCtx<'a, P>, b: &mut UnlockedCtx<'b, P>) {
    core::mem::swap(a, b)
}

fn main() {}
