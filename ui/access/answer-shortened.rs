//! G19: an answer, for a shorter time.
use vmctx::{Accessed};

fn shorten<'a: 'b, 'b>(answer: Accessed<'a>) -> Accessed<'b> {
    answer
}

fn main() {}
