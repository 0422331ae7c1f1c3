//! G2: that a part of the mapping has gone cannot be refused.
use core::marker::PhantomData;
use core::ops::Range;
use vmctx::{Errno, Hooks, Mixed, PageOffset, Platform, VmOperations};

struct Ring<P>(PhantomData<fn(P) -> P>);

impl<P: Platform> Ring<P> {
    fn close(&self, _shown: Range<PageOffset>) -> Result<(), Errno> {
        Err(Errno::EBUSY)
    }
}

impl<P: Platform> VmOperations for Ring<P> {
    type Platform = P;
    type Mapping = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.close(Self::close);
}

fn main() {}
