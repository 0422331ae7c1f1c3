//! G9, G17: pages allowed into a kind that has none.
use vmctx::{PfnMap, kind::HoldsPages};

impl HoldsPages for PfnMap {}

fn main() {}
