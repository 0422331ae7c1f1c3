//! G13: a move ends once.
use vmctx::{Location, Moving, Platform};

fn finish<P: Platform, L: Location<Platform = P>>(moving: Moving<'_, P, L>, here: L, there: L) {
    let _was = moving.finish(here);
    let _was = moving.finish(there);
}

fn main() {}
