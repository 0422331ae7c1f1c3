//! G2, G23: that a part of the mapping has gone cannot be refused.
use core::marker::PhantomData;
use vmctx::{Errno, Hooks, Mixed, Platform, VmOperations};

struct Ring<P>(PhantomData<fn(P) -> P>);

impl<P: Platform> Ring<P> {
    fn close(&self) -> Result<(), Errno> {
        Err(Errno::EBUSY)
    }
}

impl<P: Platform> VmOperations for Ring<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.close(Self::close);
}

fn main() {}
