//! G13, G17: the sealing trait of memory that moves cannot be named.
use vmctx::revocable::sealed::Point;

struct Mine;

impl Point for Mine {}

fn main() {}
