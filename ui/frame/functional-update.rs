//! G13: another number put into a real frame.
use vmctx::{Frame, Platform};

fn next<P: Platform>(frame: Frame<'_, P>) -> Frame<'_, P> {
    Frame { pfn: frame.pfn() + 1, ..frame }
}

fn main() {}
