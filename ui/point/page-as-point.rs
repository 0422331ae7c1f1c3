//! G17: a page handed to a helper that wants a place.
use vmctx::{InsertPoint, Mixed, Platform};

fn place<I: InsertPoint<Kind = Mixed>>(_at: I) {}

fn serve<P: Platform>(page: P::Page) {
    place(page)
}

fn main() {}
