//! G10: pages are counted, not bytes.
use vmctx::{MaySleep, PageOffset, Platform, SharedObject};

fn revoke<P: Platform>(mappings: &SharedObject<P>, len: usize, may_sleep: MaySleep<'_>) {
    mappings.unmap_once(PageOffset::ZERO, len, may_sleep)
}

fn main() {}
