//! G10: a length of pages has its own type.
use vmctx::{PageCount, Platform};

fn count<P: Platform>(pages: &[P::Page]) -> PageCount {
    pages.len()
}

fn main() {}
