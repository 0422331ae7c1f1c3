//! G21: a reference to the page out of which clones could be made.
use vmctx::{Platform, UniquePage};

fn look<P: Platform>(page: &UniquePage<P>) -> &P::Page {
    &page.0
}

fn main() {}
