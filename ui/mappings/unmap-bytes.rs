//! G10: pages are counted, not bytes.
use vmctx::{Mappings, MaySleep, PageOffset, Platform};

fn revoke<P: Platform>(mappings: &Mappings<P>, len: usize, may_sleep: MaySleep<'_>) {
    mappings.unmap(PageOffset::ZERO, len, may_sleep)
}

fn main() {}
