//! G7, G14: two locked mappings swapped, so that one outlives its lock.
use vmctx::{EstablishedCtx, Mixed, Platform};

fn swap<'a, 'b: 'a, P: Platform>(a: &mut EstablishedCtx<'a, P, Mixed>, b: &mut EstablishedCtx<'b, P, Mixed>) {
    core::mem::swap(a, b)
}

fn main() {}
