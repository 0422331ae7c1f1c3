//! G4, G7: the tokens of two calls swapped.
use vmctx::{MapPagesCtx, Mixed, Platform};

fn swap<'a, 'b: 'a, P: Platform>(a: &mut MapPagesCtx<'a, P, Mixed>, b: &mut MapPagesCtx<'b, P, Mixed>) {
    core::mem::swap(a, b)
}

fn main() {}
