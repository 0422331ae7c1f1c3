//! G10: arithmetic on an offset that may overflow.
use vmctx::PageOffset;

fn next(at: PageOffset) -> PageOffset {
    at + 1
}

fn main() {}
