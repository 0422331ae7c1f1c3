//! G23: `open` sums up the pages of each VMA, of which a cut and a close take off fewer (CVE-2021-1905, kgsl).
use core::marker::PhantomData;
use vmctx::{Errno, Hooks, Mixed, PageRange, Platform, VmOperations};

struct Event<P>(PhantomData<fn(P) -> P>);

impl<P: Platform> Event<P> {
    fn open(&self, _shown: PageRange) -> Result<(), Errno> {
        Ok(())
    }
}

impl<P: Platform> VmOperations for Event<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.open(Self::open);
}

fn main() {}
