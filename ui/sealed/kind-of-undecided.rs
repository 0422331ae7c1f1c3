//! G17: a kind that is none, declared one.
use vmctx::{
    Undecided,
    kind::{Kind, KindValue},
};

impl Kind for Undecided {
    const KIND: KindValue = KindValue::Mixed;
}

fn main() {}
