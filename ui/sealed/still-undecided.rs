//! G9, G17: a kind that stays undecided.
use vmctx::{Mixed, kind::StillUndecided};

impl StillUndecided for Mixed {}

fn main() {}
