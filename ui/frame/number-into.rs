//! G13: a frame made of its number with `into`.
use vmctx::{Frame, Platform};

fn frame<P: Platform>(pfn: u64) -> Frame<'static, P> {
    pfn.into()
}

fn main() {}
