//! G21: the page itself, behind the only reference.
use vmctx::{Platform, UniquePage};

fn look<P: Platform>(page: &UniquePage<P>) -> &P::Page {
    &**page
}

fn main() {}
