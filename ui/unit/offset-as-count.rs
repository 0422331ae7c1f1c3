//! G10: a place where a length belongs.
use vmctx::{FrameRange, FrameSource, PageOffset};

fn first<S: FrameSource>(bar: &S, at: PageOffset) -> Option<FrameRange<'_, S::Platform>> {
    bar.range(PageOffset::ZERO, at)
}

fn main() {}
