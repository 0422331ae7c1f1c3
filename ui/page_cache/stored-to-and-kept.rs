//! G24: what `store_with` stores to is the page, and it stays the cache's.
use vmctx::{Errno, PageCache, PageOffset, Platform, UnlockedCtx};

fn keep<'c, P: Platform>(cache: &'c PageCache<P>, unlocked: &UnlockedCtx<'_, P>) -> Result<&'c P::Page, Errno> {
    cache.store_with(PageOffset::ZERO, unlocked, |_, _| Ok(()), |page| page)
}

fn main() {}
