//! G10: an offset is made with its unit said.
use vmctx::PageOffset;

fn third() -> PageOffset {
    3
}

fn main() {}
