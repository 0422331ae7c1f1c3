//! G21: a page made the only reference by conversion, unsaid.
use vmctx::{Platform, UniquePage};

fn claim<P: Platform>(page: P::Page) -> UniquePage<P> {
    page.into()
}

fn main() {}
