//! G21: pages of a pool told apart by comparing them, where none is another.
use vmctx::{Platform, UniquePage};

fn is_there<P: Platform>(free: &[UniquePage<P>], page: &UniquePage<P>) -> bool {
    free.iter().any(|other| other == page)
}

fn main() {}
