//! G21: a page claimed, and claimed again.
use vmctx::{Platform, UniquePage};

fn give_back<P: Platform>(free: &mut Vec<UniquePage<P>>, page: P::Page) {
    free.extend(UniquePage::claim(page));
    free.extend(UniquePage::claim(page));
}

fn main() {}
