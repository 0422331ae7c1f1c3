//! G2, G14, G23: a copy of the mapping can be refused, so say whether it was.
use core::marker::PhantomData;
use vmctx::{Hooks, Mixed, Platform, VmOperations};

struct Ring<P>(PhantomData<fn(P) -> P>);

impl<P: Platform> Ring<P> {
    fn open(&self) {}
}

impl<P: Platform> VmOperations for Ring<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.open(Self::open);
}

fn main() {}
