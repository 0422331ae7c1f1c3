//! G19: an answer, kept for another access.
use vmctx::{Accessed};

fn keep(answer: Accessed<'_>) -> Accessed<'static> {
    answer
}

fn main() {}
