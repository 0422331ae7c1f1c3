//! G15: an allocation takes the right to sleep.
use vmctx::{Errno, Platform};

fn page<P: Platform>(memory: &P::Memory) -> Result<P::Page, Errno> {
    P::alloc_page(memory)
}

fn main() {}
