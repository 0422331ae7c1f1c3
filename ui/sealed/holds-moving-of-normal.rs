//! G9, G17: another crate's kind given to another crate's trait.
use vmctx::{Normal, kind::HoldsMoving};

impl HoldsMoving for Normal {}

fn main() {}
