//! G10, G23: `open` is told that there is a VMA, and of no address.
use core::marker::PhantomData;
use vmctx::{Errno, Hooks, Mixed, Platform, UserAddr, VmOperations};

struct Event<P>(PhantomData<fn(P) -> P>);

impl<P: Platform> Event<P> {
    fn open(&self, _start: UserAddr) -> Result<(), Errno> {
        Ok(())
    }
}

impl<P: Platform> VmOperations for Event<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.open(Self::open);
}

fn main() {}
