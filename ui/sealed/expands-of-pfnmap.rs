//! G17, G20: a kind of ours that may not grow.
use vmctx::{PfnMap, kind::Expands};

impl Expands for PfnMap {}

fn main() {}
