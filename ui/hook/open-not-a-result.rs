//! G2, G14: a copy of the mapping can be refused, so say whether it was.
use core::marker::PhantomData;
use core::ops::Range;
use vmctx::{Hooks, Mixed, PageOffset, Platform, VmOperations};

struct Ring<P>(PhantomData<fn(P) -> P>);

impl<P: Platform> Ring<P> {
    fn open(&self, _shown: Range<PageOffset>) {}
}

impl<P: Platform> VmOperations for Ring<P> {
    type Platform = P;
    type Mapping = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.open(Self::open);
}

fn main() {}
