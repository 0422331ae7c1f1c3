//! G21: whether the page could be claimed is not looked at.
use vmctx::{Platform, UniquePage};

fn give_back<P: Platform>(free: &mut Vec<UniquePage<P>>, page: P::Page) {
    free.push(UniquePage::claim(page));
}

fn main() {}
