//! G24: a page that goes is nobody's once it is written back.
use vmctx::{MaySleep, PageCache, PageCount, Platform};

fn shrink<P: Platform>(cache: &PageCache<P>, may_sleep: MaySleep<'_>) {
    let mut kept = None;
    let _ = cache.shrink_to(PageCount::ZERO, may_sleep, |_, page| {
        kept = Some(page);
        Ok(())
    });
    let _ = kept;
}

fn main() {}
