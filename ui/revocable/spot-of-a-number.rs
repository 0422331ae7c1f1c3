//! G13: a place by number.
use vmctx::{Platform, Spot};

struct Number(u64);

fn spot<'l, P: Platform>(number: &'l Number) -> Spot<'l, P> {
    Spot::Frame(number.0)
}

fn main() {}
