//! G1, G2: a helper for both hooks cannot take either's result for granted.
use vmctx::{Errno, InsertPoint, Mixed, Platform};

fn place<P: Platform, I: InsertPoint<Platform = P, Kind = Mixed>>(at: I, page: &P::Page) -> Result<(), Errno> {
    at.insert_page(page)?;
    Ok(())
}

fn main() {}
