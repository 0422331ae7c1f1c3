//! G13: counting on from a frame.
use vmctx::{Frame, Platform};

fn next<P: Platform>(frame: Frame<'_, P>) -> Frame<'_, P> {
    frame + 1
}

fn main() {}
