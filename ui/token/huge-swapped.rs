//! G4, G7: the tokens of two calls swapped.
use vmctx::{HugeFaultCtx, Mixed, Platform};

fn swap<'a, 'b: 'a, P: Platform>(a: &mut HugeFaultCtx<'a, P, Mixed>, b: &mut HugeFaultCtx<'b, P, Mixed>) {
    core::mem::swap(a, b)
}

fn main() {}
