//! G7, G14: two page locks swapped, so that one outlives its proof.
use vmctx::{PageLock, Platform};

fn swap<'a, 'b: 'a, P: Platform>(a: &mut PageLock<'a, P>, b: &mut PageLock<'b, P>) {
    core::mem::swap(a, b)
}

fn main() {}
