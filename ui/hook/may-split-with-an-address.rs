//! G10: a cut is at a page offset, not at an address.
use core::marker::PhantomData;
use vmctx::{Errno, Hooks, Mixed, Platform, UserAddr, VmOperations};

struct Ring<P>(PhantomData<fn(P) -> P>);

impl<P: Platform> Ring<P> {
    fn may_split(&self, _at: UserAddr) -> Result<(), Errno> {
        Err(Errno::EINVAL)
    }
}

impl<P: Platform> VmOperations for Ring<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.may_split(Self::may_split);
}

fn main() {}
