//! G23: what a VMA shows is a `PageRange`.
use core::marker::PhantomData;
use vmctx::{Errno, Hooks, Mixed, PageOffset, Platform, VmOperations};

struct Event<P>(PhantomData<fn(P) -> P>);

impl<P: Platform> Event<P> {
    fn open(&self, _shown: core::ops::Range<PageOffset>) -> Result<(), Errno> {
        Ok(())
    }
}

impl<P: Platform> VmOperations for Event<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.open(Self::open);
}

fn main() {}
