//! G13, G26: memory that is read-only while it is at one place.
use vmctx::{Location, PageCount, PageProt, Platform, Spot};

struct Flash<P: Platform>(P::Page);

impl<P: Platform> Location for Flash<P> {
    type Platform = P;

    fn spot(&self, _at: PageCount) -> Option<Spot<'_, P>> {
        Some(Spot::Page(&self.0))
    }

    fn page_prot(&self, mapping: PageProt) -> PageProt {
        mapping.read_only()
    }
}

fn main() {}
