//! G15, G17: the trait behind what `map_pages` refuses cannot be named, so not implemented.
use vmctx::guidance::SleepsInFault;

fn main() {}
