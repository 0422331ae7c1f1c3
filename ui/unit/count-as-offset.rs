//! G10: a length where a place belongs.
use vmctx::{FrameRange, FrameSource, PageCount};

fn first<S: FrameSource>(bar: &S, skip: PageCount) -> Option<FrameRange<'_, S::Platform>> {
    bar.range(skip, PageCount::new(1))
}

fn main() {}
