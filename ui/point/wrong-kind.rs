//! G9: a helper for both hooks knows its kind, too.
use vmctx::{InsertPoint, PfnMap, Platform};

fn place<P: Platform, I: InsertPoint<Platform = P, Kind = PfnMap>>(at: I, page: &P::Page) -> I::Outcome {
    at.insert_page(page)
}

fn main() {}
