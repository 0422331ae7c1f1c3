//! G8, G17: the traits behind the hidden operations cannot be named, so not implemented.
use vmctx::guidance::MapsManyAtMmap;

fn main() {}
