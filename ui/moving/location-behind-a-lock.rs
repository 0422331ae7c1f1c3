//! G13: a page from under a lock of the place's own, which could be another page at once.
use vmctx::{Location, PageCount, Platform, RwLock, Spot};

struct Behind<P: Platform>(P::RwLock<P::Page>);

impl<P: Platform> Location for Behind<P> {
    type Platform = P;

    fn spot(&self, _at: PageCount) -> Option<Spot<'_, P>> {
        self.0.try_read().map(|page| Spot::Page(&page))
    }
}

fn main() {}
