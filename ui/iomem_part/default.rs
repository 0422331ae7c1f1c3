//! G21: a part of nothing.
use vmctx::{IomemPart, Platform};

fn none<P: Platform>() -> IomemPart<P> {
    IomemPart::default()
}

fn main() {}
