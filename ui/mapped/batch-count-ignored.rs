//! G2, G14: how many of a batch are in, does not get lost in an errno without a word.
use vmctx::{Errno, MappedCtx, Mixed, PageOffset, Platform};

fn ioctl<P: Platform>(mapped: &MappedCtx<'_, P, Mixed>, at: PageOffset, pages: &[P::Page]) -> Result<(), Errno> {
    mapped.insert_pages(at, pages)
}

fn main() {}
