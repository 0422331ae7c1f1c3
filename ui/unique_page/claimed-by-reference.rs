//! G21: a page claimed by somebody who only borrows it.
use vmctx::{Platform, UniquePage};

fn give_back<P: Platform>(page: &P::Page) -> Option<UniquePage<P>> {
    UniquePage::claim(page).ok()
}

fn main() {}
