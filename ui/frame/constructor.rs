//! G13: a frame constructed.
use vmctx::{Frame, Platform};

fn frame<P: Platform>(pfn: u64) -> Frame<'static, P> {
    Frame::new(pfn)
}

fn main() {}
