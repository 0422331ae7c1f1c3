//! G21: a page made the only reference by conversion.
use vmctx::{Platform, UniquePage};

fn claim<P: Platform>(page: P::Page) -> UniquePage<P> {
    UniquePage::from(page)
}

fn main() {}
