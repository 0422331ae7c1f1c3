//! G5, G6: a helper for both hooks inserts once.
use vmctx::{InsertPoint, Mixed, Platform};

fn place<P: Platform, I: InsertPoint<Platform = P, Kind = Mixed>>(at: I, page: &P::Page) -> I::Outcome {
    let _ = at.insert_page(page);
    at.insert_page(page)
}

fn main() {}
