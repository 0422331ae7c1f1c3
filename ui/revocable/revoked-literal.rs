//! G7, G13: a move made up field by field, of memory that nobody unmapped.
use vmctx::{Backing, Revoked, Platform};

fn forge<'r, P: Platform, L: Backing<Platform = P>>() -> Revoked<'r, P, L> {
    Revoked {}
}

fn main() {}
