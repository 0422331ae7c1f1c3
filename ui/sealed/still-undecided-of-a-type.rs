//! G9: a type cannot make itself one whose kind is not chosen.

use vmctx::kind::StillUndecided;

enum Later {}

impl StillUndecided for Later {}

fn main() {}
