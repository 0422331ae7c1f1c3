//! G21: a page taken out of the pool by reference.
use vmctx::{Platform, UniquePage};

fn give_out<P: Platform>(free: &[UniquePage<P>]) -> Option<P::Page> {
    free.first().map(|page| page.into_page())
}

fn main() {}
