//! G7, G14: two locked mappings swapped, so that one outlives its lock.
use vmctx::{MappedCtx, Mixed, Platform};

fn swap<'a, 'b: 'a, P: Platform>(a: &mut MappedCtx<'a, P, Mixed>, b: &mut MappedCtx<'b, P, Mixed>) {
    core::mem::swap(a, b)
}

fn main() {}
