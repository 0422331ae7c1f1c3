//! G10, G27: a range asked for by bytes.
use vmctx::{FrameRange, IomemPart, PageOffset, Platform};

fn registers<P: Platform>(bar: &IomemPart<P>) -> Option<FrameRange<'_, P>> {
    bar.range(PageOffset::ZERO, bar.byte_count())
}

fn main() {}
