//! G21: a second owner of a part.
use vmctx::{IomemPart, Platform};

fn share<P: Platform>(object: &IomemPart<P>) -> IomemPart<P> {
    object.clone()
}

fn main() {}
