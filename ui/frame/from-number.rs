//! G13: a frame made of its number.
use vmctx::{Frame, Platform};

fn frame<P: Platform>(pfn: u64) -> Frame<'static, P> {
    Frame::from(pfn)
}

fn main() {}
