//! G4, G7: the tokens of two calls swapped.
use vmctx::{Mixed, PfnMkwriteCtx, Platform};

fn swap<'a, 'b: 'a, P: Platform>(a: &mut PfnMkwriteCtx<'a, P, Mixed>, b: &mut PfnMkwriteCtx<'b, P, Mixed>) {
    core::mem::swap(a, b)
}

fn main() {}
