//! G21: a part joined with itself.
use vmctx::{IomemPart, Platform};

fn grow<P: Platform>(part: IomemPart<P>) -> Option<IomemPart<P>> {
    part.join(part).ok()
}

fn main() {}
