//! G13: a place that may go before the memory does.
use vmctx::{Location, PageCount, Platform, Spot};

struct Borrowed<'a, P: Platform>(&'a P::Page);

impl<P: Platform> Location for Borrowed<'_, P> {
    type Platform = P;

    fn spot(&self, _at: PageCount) -> Option<Spot<'_, P>> {
        Some(Spot::Page(self.0))
    }
}

fn main() {}
