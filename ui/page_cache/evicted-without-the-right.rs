//! G15, G24: eviction unmaps, and that sleeps.
use vmctx::{PageCache, PageRange, Platform};

fn evict<P: Platform>(cache: &PageCache<P>, all: PageRange) {
    cache.evict(all, |_, _| Ok(()));
}

fn main() {}
