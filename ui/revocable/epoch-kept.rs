//! G4, G7: a moment kept for a later fault.
use vmctx::{Epoch, Backing, Platform};

fn keep<'r, P: Platform, L: Backing<Platform = P>>(epoch: Epoch<'_, 'r, P, L>) -> Epoch<'static, 'r, P, L> {
    epoch
}

fn main() {}
