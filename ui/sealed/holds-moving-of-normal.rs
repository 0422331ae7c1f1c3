//! G9, G17: another crate's kind given to another crate's trait.
use vmctx::{Normal, kind::HoldsRevocable};

impl HoldsRevocable for Normal {}

fn main() {}
