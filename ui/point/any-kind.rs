//! G9: a helper for both hooks and any kind cannot insert.
use vmctx::{InsertPoint, Platform};

fn place<P: Platform, I: InsertPoint<Platform = P>>(at: I, page: &P::Page) -> I::Outcome {
    at.insert_page(page)
}

fn main() {}
