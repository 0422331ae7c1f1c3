//! G6, G17: "finished" allowed before the kind is chosen.
use vmctx::{Undecided, kind::FilledAtMmap};

impl FilledAtMmap for Undecided {}

fn main() {}
