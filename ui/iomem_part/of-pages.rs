//! G10, G27: the bounds of a part are bytes, and pages are none.
use core::ops::Range;
use vmctx::{IomemPart, OutOfFrames, PageOffset, Platform};

fn registers<P: Platform>(bar: P::Iomem, pages: Range<PageOffset>) -> Result<IomemPart<P>, OutOfFrames> {
    IomemPart::of_bytes(bar, pages)
}

fn main() {}
