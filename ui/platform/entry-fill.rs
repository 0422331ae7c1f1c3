//! G21: what one file describes, filled into the mapping of another.
#![forbid(unsafe_code)]

use vmctx::{
    Errno, Platform,
    entry::{self, Described},
};

fn fill<P: Platform>(described: &Described<'_, P>, vma: &mut P::Vma) -> Result<(), Errno> {
    entry::fill(described, vma)
}

fn main() {}
