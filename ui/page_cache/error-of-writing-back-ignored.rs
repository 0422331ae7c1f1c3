//! G24: a page that cannot be written back stays, and somebody has to hear of it.
#![deny(unused_must_use)]
use vmctx::{MaySleep, PageCache, PageCount, Platform};

fn shrink<P: Platform>(cache: &PageCache<P>, may_sleep: MaySleep<'_>) {
    cache.shrink_to(PageCount::ZERO, may_sleep, |_, _| Ok(()));
}

fn main() {}
