//! G21: a second reference to a page of which one is the only owner.
use vmctx::{Platform, UniquePage};

fn twice<P: Platform>(page: &UniquePage<P>) -> UniquePage<P> {
    page.clone()
}

fn main() {}
