//! G13: an object that could not be made.
use vmctx::{Mappings, MaySleep, Platform};

fn make<P: Platform>(may_sleep: MaySleep<'_>) -> Mappings<P> {
    Mappings::new(may_sleep)
}

fn main() {}
