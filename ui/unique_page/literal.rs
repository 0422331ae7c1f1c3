//! G21: a page called the only reference by whoever likes to.
use vmctx::{Platform, UniquePage};

fn claim<P: Platform>(page: P::Page) -> UniquePage<P> {
    UniquePage(page)
}

fn main() {}
