//! G17: a kind that is none, declared one.
use vmctx::{
    Undecided,
    kind::{Kind, Mapping},
};

impl Mapping for Undecided {
    const KIND: Kind = Kind::Mixed;
}

fn main() {}
