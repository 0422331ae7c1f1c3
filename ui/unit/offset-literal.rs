//! G10: an offset as a bare number in disguise.
use vmctx::PageOffset;

fn third() -> PageOffset {
    PageOffset(3)
}

fn main() {}
