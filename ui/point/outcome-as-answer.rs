//! G1, G2: a helper for both hooks cannot take either's result for granted.
use vmctx::{InsertPoint, Mixed, Platform, VmFault};

fn place<'f, P: Platform, I: InsertPoint<Platform = P, Kind = Mixed>>(at: I, page: &P::Page) -> VmFault<'f> {
    at.insert_page(page)
}

fn main() {}
