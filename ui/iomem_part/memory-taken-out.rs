//! G21, G27: all of the memory behind a part.
use vmctx::{Frame, FrameSource, IomemPart, PageOffset, Platform};

fn neighbour<P: Platform>(object: &IomemPart<P>, at: PageOffset) -> Option<Frame<'_, P>> {
    object.memory.frame(at)
}

fn main() {}
