//! G13, G26: memory that is read-only while it is at one place.
use vmctx::{Backing, Errno, PageCount, PageProt, Platform, Spot};

struct Flash<P: Platform>(P::Page);

impl<P: Platform> Backing for Flash<P> {
    type Platform = P;

    fn spot(&self, _at: PageCount) -> Result<Spot<'_, P>, Errno> {
        Ok(Spot::Page(&self.0))
    }

    fn page_prot(&self, _at: PageCount, mapping: PageProt) -> PageProt {
        mapping.read_only()
    }
}

fn main() {}
