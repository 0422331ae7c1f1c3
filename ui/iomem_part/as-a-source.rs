//! G21, G27: a part passed for all of the memory, whose bounds are others.
use vmctx::{Frame, FrameSource, IomemPart, PageOffset, Platform};

fn first<S: FrameSource>(source: &S) -> Option<Frame<'_, S::Platform>> {
    source.frame(PageOffset::ZERO)
}

fn object<P: Platform>(object: &IomemPart<P>) -> Option<Frame<'_, P>> {
    first(object)
}

fn main() {}
