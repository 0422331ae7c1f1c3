//! G4, G7: the tokens of two calls swapped.
use vmctx::{Mixed, PageMkwriteCtx, Platform};

fn swap<'a, 'b: 'a, P: Platform>(a: &mut PageMkwriteCtx<'a, P, Mixed>, b: &mut PageMkwriteCtx<'b, P, Mixed>) {
    core::mem::swap(a, b)
}

fn main() {}
