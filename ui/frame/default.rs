//! G13: a frame out of nothing.
use vmctx::{Frame, Platform};

fn frame<P: Platform>() -> Frame<'static, P> {
    Default::default()
}

fn main() {}
