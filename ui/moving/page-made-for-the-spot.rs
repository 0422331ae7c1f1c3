//! G13: a page that nobody keeps after the place has been named.
use vmctx::{Location, PageCount, Platform, Spot};

struct Fresh<P: Platform>(P::Page);

impl<P: Platform> Location for Fresh<P> {
    type Platform = P;

    fn spot(&self, _at: PageCount) -> Option<Spot<'_, P>> {
        let page = self.0.clone();
        Some(Spot::Page(&page))
    }
}

fn main() {}
