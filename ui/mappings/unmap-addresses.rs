//! G10: an object is unmapped by its own offsets, not by addresses.
use vmctx::{Mappings, MaySleep, PageCount, Platform, UserAddr};

fn revoke<P: Platform>(mappings: &Mappings<P>, start: UserAddr, may_sleep: MaySleep<'_>) {
    mappings.unmap(start, PageCount::new(1), may_sleep)
}

fn main() {}
