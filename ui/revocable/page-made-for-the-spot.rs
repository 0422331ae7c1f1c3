//! G13: a page that nobody keeps after the place has been named.
use vmctx::{Backing, Errno, PageCount, Platform, Spot};

struct Fresh<P: Platform>(P::Page);

impl<P: Platform> Backing for Fresh<P> {
    type Platform = P;

    fn spot(&self, _at: PageCount) -> Result<Spot<'_, P>, Errno> {
        let page = self.0.clone();
        Ok(Spot::Page(&page))
    }
}

fn main() {}
