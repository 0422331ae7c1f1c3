//! G13: an object that could not be made.
use vmctx::{MaySleep, Platform, SharedObject};

fn make<P: Platform>(may_sleep: MaySleep<'_>) -> SharedObject<P> {
    SharedObject::new(may_sleep)
}

fn main() {}
