//! G13, G22: a page from under a lock of the backing's own, which could be another page at once.
use vmctx::{Backing, Errno, PageCount, Platform, RwLock, Spot};

struct Behind<P: Platform>(P::RwLock<P::Page>);

impl<P: Platform> Backing for Behind<P> {
    type Platform = P;

    fn spot(&self, _at: PageCount) -> Result<Spot<'_, P>, Errno> {
        self.0.try_read().map(|page| Spot::Page(&page)).ok_or(Errno::EAGAIN)
    }
}

fn main() {}
