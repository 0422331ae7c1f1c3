//! G21: a part split by somebody who only borrows it.
use vmctx::{IomemPart, PageCount, Platform};

fn first<P: Platform>(part: &IomemPart<P>) -> Option<IomemPart<P>> {
    part.split_at(PageCount::new(1)).ok().map(|(first, _)| first)
}

fn main() {}
