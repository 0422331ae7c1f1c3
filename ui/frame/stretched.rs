//! G21: a borrow made longer than it is, so that the frame would pass for one of the state.
use vmctx::{Frame, Platform};

fn stretch<'s, 'f, P: Platform>(frame: Frame<'s, P>) -> Frame<'f, P> {
    frame
}

fn main() {}
