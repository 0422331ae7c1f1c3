//! G10, G27: a frame asked for by a number, of what is not said.
use vmctx::{Frame, IomemPart, Platform};

fn registers<P: Platform>(bar: &IomemPart<P>) -> Option<Frame<'_, P>> {
    bar.frame(0x7c)
}

fn main() {}
