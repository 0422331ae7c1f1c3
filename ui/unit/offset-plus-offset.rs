//! G10: two places do not add up.
use vmctx::PageOffset;

fn sum(at: PageOffset, other: PageOffset) -> Option<PageOffset> {
    at.checked_add(other)
}

fn main() {}
