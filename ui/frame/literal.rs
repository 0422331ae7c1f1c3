//! G13: a frame made up field by field.
use vmctx::{Frame, Platform};

fn frame<P: Platform>(pfn: u64) -> Frame<'static, P> {
    Frame { pfn }
}

fn main() {}
