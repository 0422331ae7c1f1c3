//! G13: a place that may go before the memory does.
use vmctx::{Backing, Errno, PageCount, Platform, Spot};

struct Borrowed<'a, P: Platform>(&'a P::Page);

impl<P: Platform> Backing for Borrowed<'_, P> {
    type Platform = P;

    fn spot(&self, _at: PageCount) -> Result<Spot<'_, P>, Errno> {
        Ok(Spot::Page(self.0))
    }
}

fn main() {}
