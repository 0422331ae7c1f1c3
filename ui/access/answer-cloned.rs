//! G19: one answer for two accesses.
use vmctx::{Accessed};

fn twice<'a>(answer: &Accessed<'a>) -> Accessed<'a> {
    answer.clone()
}

fn main() {}
