//! G10: an object is unmapped by its own offsets, not by addresses.
use vmctx::{MaySleep, PageCount, Platform, SharedObject, UserAddr};

fn revoke<P: Platform>(mappings: &SharedObject<P>, start: UserAddr, may_sleep: MaySleep<'_>) {
    mappings.unmap_once(start, PageCount::new(1), may_sleep)
}

fn main() {}
