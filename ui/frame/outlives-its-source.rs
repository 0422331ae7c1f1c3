//! G13: a frame of memory that is gone.
use vmctx::{Frame, FrameSource, PageOffset, Platform};

fn frame<'s, P: Platform>(bar: P::Iomem) -> Option<Frame<'s, P>> {
    bar.frame(PageOffset::ZERO)
}

fn main() {}
