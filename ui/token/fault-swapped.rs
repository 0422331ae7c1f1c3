//! G4, G7: the tokens of two faults swapped.
use vmctx::{FaultCtx, Mixed, Platform};

fn swap<'a, 'b: 'a, P: Platform>(a: &mut FaultCtx<'a, P, Mixed>, b: &mut FaultCtx<'b, P, Mixed>) {
    core::mem::swap(a, b)
}

fn main() {}
